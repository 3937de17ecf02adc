package cli

import (
	"github.com/spf13/cobra"

	"conductor-jwt/keys"
)

func newKeyGenerateCommand(env Env) *cobra.Command {
	var alg, publicOut, output string
	var bits int
	w := written{}
	cmd := &cobra.Command{
		Use:   "generate FILE",
		Short: "Make a new key",
		Long: `Make a new private key for an algorithm and write it to FILE, which must not
exist yet and is for its owner's eyes only. What is printed is what key inspect
would say of it.`,
		Example: `  conductor-jwt key generate key.pem
  conductor-jwt key generate key.jwk --alg RS256 --bits 3072 --to jwk --public-out public.jwk`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if bits == 0 && cmd.Flags().Changed("bits") {
				return usage("use 2048 to 8192, or leave it out", "--bits: 0 is too small for an RSA key")
			}
			return runKeyGenerate(env, args[0], alg, bits, publicOut, output, w)
		},
	}
	s := cmd.Flags()
	s.StringVar(&alg, "alg", string(keys.ES256), "the algorithm that the key is for")
	s.IntVar(&bits, "bits", 0, "the size of an RSA key (default 2048)")
	s.VarP(&choice{&w.form, []string{formPEM, formJWK}}, "to", "", "the form: pem or jwk (default pem; a secret is always a jwk)")
	s.StringVar(&w.keyID, "kid", "", "the kid of a jwk (default its thumbprint)")
	s.BoolVar(&w.noKeyID, "no-kid", false, "leave the kid of a jwk out")
	s.StringVar(&publicOut, "public-out", "", "write the public half too, to this `file`")
	outputFlag(cmd, &output, outputText, outputJSON)
	completeAlgorithms(cmd, "alg")
	return cmd
}

func runKeyGenerate(env Env, name, algName string, bits int, publicOut, output string, w written) error {
	alg, err := parseAlgorithm(algName)
	if err != nil {
		return err
	}
	if w.form == "" {
		w.form = formPEM
		if isHMAC(alg) {
			w.form = formJWK
		}
	}
	w.algorithm = alg
	private, err := keys.Generate(alg, bits)
	if err != nil && bits != 0 {
		return asUsage(keyError("--bits", err))
	}
	if err != nil {
		return asUsage(keyError("--alg", err))
	}
	verifier, err := keys.VerifierOf(private)
	if err != nil {
		return keyError(name, err)
	}
	key := anyKey{name: name, private: private, verifier: verifier}
	text, err := w.text(key)
	if err != nil {
		return err
	}
	if publicOut != "" && private.Public() == nil {
		return usage("leave it out", "--public-out: a secret has no public half")
	}
	if err := writeNew(name, text); err != nil {
		return err
	}
	if publicOut != "" {
		w.public = true
		if text, err = w.text(key); err != nil {
			return err
		}
		if err := writeNew(publicOut, text); err != nil {
			return err
		}
	}
	facts, err := key.facts()
	if err != nil {
		return err
	}
	return printFacts(env.Stdout, &facts, output)
}
