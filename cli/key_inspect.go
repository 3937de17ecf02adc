package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"conductor-jwt/signer"
)

func newKeyInspectCommand(env Env) *cobra.Command {
	var from keyFlags
	var certificate, set, output string
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what a key is and what it fits",
		Long: `Say what a key is: its type and size, the algorithms that it can sign or
verify with, its RFC 7638 thumbprint (the kid that sign gives a PEM key) and the
SHA-256 of its public key in DER. Nothing of the private half is printed.

With --cert or --jwks it fails unless the certificate, or one of the keys of the
set, is of this key.`,
		Example: `  conductor-jwt key inspect key.pem
  conductor-jwt key inspect key.pem --cert cert.pem --jwks jwks.json -o json`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			from.key, from.choose = args[0], setKid
			key, err := readAnyKey(cmd.Context(), env, from)
			if err != nil {
				return err
			}
			facts, err := key.facts()
			if err != nil {
				return err
			}
			misfit := errors.Join(key.fitCertificate(&facts, certificate, env.Now()), key.fitSet(cmd.Context(), &facts, set))
			if misfit != nil {
				return misfit
			}
			return printFacts(env.Stdout, &facts, output)
		},
	}
	s := cmd.Flags()
	s.StringVar(&from.passwordFile, "password-file", "", "the `file` with the key's password, or - for standard input")
	s.StringVar(&from.kid, "kid", "", "which key of FILE is meant, where it is a JWK Set")
	s.StringVar(&certificate, "cert", "", "a certificate `file`: does it belong to the key?")
	s.StringVar(&set, "jwks", "", "a JWK Set `file`: does it hold the key?")
	outputFlag(cmd, &output, outputText, outputJSON)
	return cmd
}

func exactlyOneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usage("see `"+cmd.CommandPath()+" --help`", "%s takes one file, got %d", cmd.CommandPath(), len(args))
}

// addText writes a member that may be absent.
func addText(o *signer.Object, name, text string) {
	if text != "" {
		o.String(name, text)
	}
}
