package cli

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys"
)

func newJWKSCommand(env Env) *cobra.Command {
	var from keyFlags
	var alg string
	cmd := &cobra.Command{
		Use:   "jwks [FILE...]",
		Short: "Print the public JWK Set of key files, or of the configured keys",
		Long: `Print the public JWK Set (RFC 7517) of key files, for verifiers. Private keys
are printed as public keys; secrets are refused.

Each key has use sig and the kid of the tokens that it signs: its own, or its
thumbprint. It has alg if it fits only one algorithm, or --alg is given.

Without files the set is the one that the worker serves: the current public keys
that the policy file publishes.`,
		Example: `  conductor-jwt jwks key.pem next.pem >jwks.json
  conductor-jwt jwks --policy policy.yaml`,
	}
	settings := addSettings(cmd, "policy", "config")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return runConfiguredJWKS(cmd, env, settings)
		}
		if settings["policy"].set {
			return usage("leave one of them out", "--policy and files contradict each other")
		}
		return runJWKS(cmd.Context(), env, from, alg, args)
	}
	s := cmd.Flags()
	s.StringVar(&alg, "alg", "", "alg of the keys")
	s.StringVar(&from.passwordFile, "password-file", "", "`file` with the keys' password")
	completeAlgorithms(cmd, "alg")
	return cmd
}

func runJWKS(ctx context.Context, env Env, from keyFlags, algName string, files []string) error {
	alg, err := parseAlgorithm(algName)
	if err != nil {
		return err
	}
	var list []json.RawMessage
	seen := map[string]string{}
	for _, name := range files {
		from.key = name
		key, err := readAnyKey(ctx, env, from)
		if err != nil {
			return err
		}
		if err := key.checkAlgorithm(alg); err != nil {
			return err
		}
		meta := keyOutput{algorithm: alg}.meta(key)
		raw, err := keys.PublicJWK(key.verifier, meta)
		if err != nil {
			return faultError(name, err)
		}
		if other, ok := seen[meta.KeyID]; ok {
			return usage("give each key a kid of its own, and each file once", "%s and %s have the same kid", printable.Name(other), printable.Name(name))
		}
		seen[meta.KeyID] = name
		list = append(list, raw)
	}
	var set jsonobj.Object
	set.Set("keys", array(list...))
	return writeObject(env.Stdout, &set)
}

// runConfiguredJWKS prints the set that the worker serves.
func runConfiguredJWKS(cmd *cobra.Command, env Env, settings settingFlags) error {
	if cmd.Flags().Changed("alg") || cmd.Flags().Changed("password-file") {
		return usage("leave them out", "--alg and --password-file are for key files")
	}
	c, err := loadConfig(env, settings)
	if err != nil {
		return err
	}
	if c.Policy == "" {
		return usage("name the files of the keys, or --policy with the policy file", "%s takes at least one file", cmd.CommandPath())
	}
	_, ring, err := openRing(cmd.Context(), env, c)
	if err != nil {
		return err
	}
	if !ring.Complete() {
		return withHint(errors.New("a published key is missing"), "check its key store; without the key verifiers refuse its tokens")
	}
	set := ring.Set()
	if set.Len == 0 {
		return withHint(errors.New("the policy file publishes no key"), "set publish: true at each key that verifiers need")
	}
	o, err := jsonobj.Parse(set.Body, jsonobj.Limits{Bytes: len(set.Body)})
	if err != nil {
		return faultError("", err)
	}
	return writeObject(env.Stdout, &o)
}
