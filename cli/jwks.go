package cli

import (
	"context"

	"github.com/spf13/cobra"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

func newJWKSCommand(env Env) *cobra.Command {
	var from keyFlags
	var alg string
	cmd := &cobra.Command{
		Use:   "jwks FILE...",
		Short: "Print the public JWK Set of key files",
		Long: `Print the public JWK Set (RFC 7517) of key files, for verifiers to read. Of a
private key its public half is taken; a secret is refused.

Each key has use sig and the kid that sign gives its tokens: its own, or its
thumbprint. It has alg where it fits one algorithm only; --alg says it for all.`,
		Example: "  conductor-jwt jwks key.pem next.pem >jwks.json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("name the files of the keys", "%s takes at least one file", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runJWKS(cmd.Context(), env, from, alg, args)
		},
	}
	s := cmd.Flags()
	s.StringVar(&alg, "alg", "", "the alg of the keys")
	s.StringVar(&from.passwordFile, "password-file", "", "the `file` with the keys' password")
	completeAlgorithms(cmd, "alg")
	return cmd
}

func runJWKS(ctx context.Context, env Env, from keyFlags, algName string, files []string) error {
	alg, err := parseAlgorithm(algName)
	if err != nil {
		return err
	}
	list := []byte{'['}
	seen := map[string]string{}
	for i, name := range files {
		from.key = name
		key, err := readAnyKey(ctx, env, from)
		if err != nil {
			return err
		}
		if err := key.checkAlgorithm(alg); err != nil {
			return err
		}
		meta := written{algorithm: alg}.meta(key)
		raw, err := keys.PublicJWK(key.subject(), meta)
		if err != nil {
			return keyError(name, err)
		}
		if other, ok := seen[meta.KeyID]; ok {
			return usage("give each key a kid of its own, and each file once", "%s and %s have the same kid", shown(other), shown(name))
		}
		seen[meta.KeyID] = name
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, raw...)
	}
	var set signer.Object
	set.Set("keys", append(list, ']'))
	return writeObject(env.Stdout, &set)
}
