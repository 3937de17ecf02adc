package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newKeyConvertCommand(env Env) *cobra.Command {
	var from keyFlags
	var alg, out string
	w := written{}
	cmd := &cobra.Command{
		Use:   "convert FILE",
		Short: "Write a key in another form",
		Long: `Write a key in another form: PEM (PKCS#8, or SubjectPublicKeyInfo) to JWK, and
every form that sign and verify read to PEM. The new key is not encrypted.

It goes to standard output, or with --out to a new file that is for its owner's
eyes only. A JWK is given the key's own kid, or its thumbprint, which is what
sign writes for a PEM key.`,
		Example: `  conductor-jwt key convert key.pem --to jwk --out key.jwk
  conductor-jwt key convert key.p12 --password-file pw --to pem --out key.pem
  conductor-jwt key convert key.pem --public`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			from.key = args[0]
			return runKeyConvert(cmd.Context(), env, from, alg, out, w)
		},
	}
	s := cmd.Flags()
	s.VarP(&choice{&w.form, []string{formPEM, formJWK}}, "to", "", "the form: pem or jwk (default the other one)")
	s.BoolVar(&w.public, "public", false, "write the public half only")
	s.StringVar(&out, "out", "", "write to this `file`, which must not exist, or - for standard output")
	s.StringVar(&from.passwordFile, "password-file", "", "the `file` with the key's password, or - for standard input")
	s.StringVar(&w.keyID, "kid", "", "the kid of a jwk (default its own, or its thumbprint)")
	s.BoolVar(&w.noKeyID, "no-kid", false, "leave the kid of a jwk out")
	s.StringVar(&alg, "alg", "", "the alg of a jwk (default the only one that fits)")
	completeAlgorithms(cmd, "alg")
	return cmd
}

func runKeyConvert(ctx context.Context, env Env, from keyFlags, algName, out string, w written) error {
	alg, err := parseAlgorithm(algName)
	if err != nil {
		return err
	}
	w.algorithm = alg
	key, err := readAnyKey(ctx, env, from)
	if err != nil {
		return err
	}
	if w.form == "" {
		w.form = formJWK
		if key.jose {
			w.form = formPEM
		}
	}
	if key.private == nil {
		w.public = true
	}
	if err := key.checkAlgorithm(alg); err != nil {
		return err
	}
	text, err := w.text(key)
	if err != nil {
		return err
	}
	return writeKey(env, out, text, !w.public)
}
