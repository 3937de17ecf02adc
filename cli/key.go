package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

func newKeyCommand(env Env) *cobra.Command {
	return newGroup("key", "Inspect, generate and convert keys",
		newKeyInspectCommand(env), newKeyGenerateCommand(env), newKeyConvertCommand(env))
}

func newKeyGenerateCommand(env Env) *cobra.Command {
	var alg, publicOut, passwordFile, output string
	var bits int
	w := keyOutput{}
	cmd := &cobra.Command{
		Use:        "generate FILE",
		Short:      "Generate a new key",
		SuggestFor: []string{"create", "new"},
		Long: `Generate a private key for an algorithm and write it to FILE, which must not
exist and is created with mode 0600. The output is that of key inspect.

With --encrypt the key is encrypted with the password in --password-file, or
with one that you type.`,
		Example: `  conductor-jwt key generate key.pem
  conductor-jwt key generate key.pem --encrypt
  conductor-jwt key generate key.jwk --alg RS256 --to jwk --public-out pub.jwk`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if bits == 0 && cmd.Flags().Changed("bits") {
				return usage("use 2048 to 8192, or leave --bits out", "--bits: 0 is too small for an RSA key")
			}
			if passwordFile != "" && !w.encrypt {
				return usage("add --encrypt", "--password-file needs --encrypt")
			}
			if w.encrypt {
				password, err := readPassword(env, passwordFile)
				if err != nil {
					return err
				}
				if w.password, err = newPassword(env, passwordFile, password, args[0]); err != nil {
					return err
				}
			}
			return runKeyGenerate(env, args[0], alg, bits, publicOut, output, w)
		},
	}
	s := cmd.Flags()
	s.StringVar(&alg, "alg", string(keys.ES256), "algorithm of the key")
	s.IntVar(&bits, "bits", 0, "size of an RSA key (default 2048)")
	s.VarP(&choice{&w.form, []string{formPEM, formJWK}}, "to", "", "form (default pem; an HMAC secret is always a JWK)")
	s.StringVar(&w.keyID, "kid", "", "kid of a JWK (default its thumbprint)")
	s.BoolVar(&w.noKeyID, "no-kid", false, "leave the kid out")
	s.BoolVar(&w.encrypt, "encrypt", false, "encrypt the private key with a password")
	s.StringVar(&passwordFile, "password-file", "", "`file` with the password, or - for standard input")
	s.StringVar(&publicOut, "public-out", "", "new `file` for the public key")
	outputFlag(cmd, &output, outputText, outputJSON)
	completeAlgorithms(cmd, "alg")
	return cmd
}

func runKeyGenerate(env Env, name, algName string, bits int, publicOut, output string, w keyOutput) error {
	alg, err := parseAlgorithm(algName)
	if err != nil {
		return err
	}
	if w.form == "" {
		w.form = formPEM
		if alg.IsHMAC() {
			w.form = formJWK
		}
	}
	w.algorithm = alg
	if bits >= 4096 && isTerminal(env.Stderr) {
		_, _ = fmt.Fprintf(env.Stderr, "Generating an RSA key of %d bits. This can take a minute.\n", bits)
	}
	private, err := keys.Generate(alg, bits)
	if err != nil && bits != 0 {
		return asUsage(faultError("--bits", err))
	}
	if err != nil {
		return asUsage(faultError("--alg", err))
	}
	verifier, err := keys.VerifierOf(private)
	if err != nil {
		return faultError(name, err)
	}
	key := anyKey{name: name, private: private, verifier: verifier}
	text, err := w.text(key)
	if err != nil {
		return err
	}
	if publicOut != "" && private.Public() == nil {
		return usage("leave --public-out out", "--public-out: an HMAC secret has no public key")
	}
	if err := writeNew(name, text, privateMode); err != nil {
		return err
	}
	if publicOut != "" {
		w.public = true
		if text, err = w.text(key); err == nil {
			err = writeNew(publicOut, text, publicMode)
		}
		if err != nil {
			_ = os.Remove(name) // so that the command can be repeated
			return err
		}
	}
	facts, err := key.facts()
	if err != nil {
		return err
	}
	return printFacts(env.Stdout, &facts, output)
}

func newKeyConvertCommand(env Env) *cobra.Command {
	var from keyFlags
	var alg, out string
	w := keyOutput{}
	cmd := &cobra.Command{
		Use:        "convert FILE",
		Short:      "Convert a key to another form",
		SuggestFor: []string{"public", "format"},
		Long: `Convert a key: PEM (PKCS#8 or SubjectPublicKeyInfo) to JWK, and every other form
that sign and verify read to PEM.

The new key is written to standard output, or with --out to a new file, with
mode 0600 if it is private. A JWK gets the key's own kid, or its thumbprint,
which is also the kid that sign uses for a PEM key.

With --encrypt the new key keeps its form and is encrypted with the password in
--password-file, or with one that you type: PEM by PBES2, a JWK in a JWE.`,
		Example: `  conductor-jwt key convert key.pem --to jwk --out key.jwk
  conductor-jwt key convert key.p12 --password-file pw --to pem --out key.pem
  conductor-jwt key convert key.pem --encrypt --out encrypted.pem
  conductor-jwt key convert key.pem --public`,
		Args: exactlyOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			from.key = args[0]
			return runKeyConvert(cmd.Context(), env, from, alg, out, w)
		},
	}
	s := cmd.Flags()
	s.VarP(&choice{&w.form, []string{formPEM, formJWK}}, "to", "", "form (default the other; with --encrypt the same)")
	s.BoolVar(&w.public, "public", false, "write only the public key")
	s.BoolVar(&w.encrypt, "encrypt", false, "encrypt the private key with a password")
	s.StringVar(&out, "out", "", "new `file` to write, or - for standard output")
	s.StringVar(&from.passwordFile, "password-file", "", "`file` with the key's password, or - for standard input")
	s.StringVar(&w.keyID, "kid", "", "kid of a JWK (default its own, or its thumbprint)")
	s.BoolVar(&w.noKeyID, "no-kid", false, "leave the kid out")
	s.StringVar(&alg, "alg", "", "alg of a JWK (default the only one that fits)")
	completeAlgorithms(cmd, "alg")
	return cmd
}

func runKeyConvert(ctx context.Context, env Env, from keyFlags, algName, out string, w keyOutput) error {
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
		if key.jose != w.encrypt {
			w.form = formPEM
		}
	}
	if key.private == nil {
		w.public = true
	}
	if w.public && w.encrypt {
		return usage("leave --encrypt out", "--encrypt: a public key is not encrypted")
	}
	if err := key.checkAlgorithm(alg); err != nil {
		return err
	}
	if w.encrypt {
		if w.password, err = newPassword(env, from.passwordFile, key.password, cmp.Or(out, key.name)); err != nil {
			return err
		}
	}
	text, err := w.text(key)
	if err != nil {
		return err
	}
	return writeKey(env, out, text, !w.public)
}

// The forms in which keys are written.
const (
	formPEM = "pem"
	formJWK = "jwk"
)

// keyOutput is the form in which a key is written.
type keyOutput struct {
	form      string
	public    bool
	keyID     string // of a JWK; empty for the key's own, or its thumbprint
	noKeyID   bool
	algorithm keys.Algorithm // of a JWK; empty for the only one that fits
	encrypt   bool
	password  secret.Text // of an encrypted key
}

// text returns a key in the form of w.
func (w keyOutput) text(k anyKey) (secret.Text, error) {
	text, err := w.encode(k)
	if err != nil {
		return secret.Text{}, faultError(k.name, err)
	}
	return text, nil
}

func (w keyOutput) encode(k anyKey) (secret.Text, error) {
	switch {
	case w.form == formPEM && w.public:
		text, err := keys.PublicPEM(k.verifier)
		return secret.New(text), err
	case w.form == formPEM:
		text, err := keys.PrivatePEM(k.private)
		if err != nil || !w.encrypt {
			return text, err
		}
		return keys.EncryptPEM(text, w.password)
	case w.public:
		raw, err := keys.PublicJWK(k.verifier, w.meta(k))
		return indented(raw), err
	}
	raw, err := keys.PrivateJWK(k.private, w.meta(k))
	if err != nil || !w.encrypt {
		return indented(raw.Reveal()), err
	}
	return keys.EncryptJWK(indented(raw.Reveal()), w.password)
}

// meta returns the metadata of a JWK. Its kid is that which sign gives to a PEM
// key, so that both forms of a key sign the same tokens.
func (w keyOutput) meta(k anyKey) keys.JWKMeta {
	m := keys.JWKMeta{Use: "sig", KeyID: w.keyID, Algorithm: w.algorithm}
	if m.KeyID == "" {
		m.KeyID = k.verifier.ID()
	}
	if id, err := keys.Thumbprint(k.verifier); m.KeyID == "" && err == nil {
		m.KeyID = id
	}
	if w.noKeyID {
		m.KeyID = ""
	}
	if fitting := k.verifier.Algorithms(); m.Algorithm == "" && signer.OneAlgorithm(fitting) {
		m.Algorithm = fitting[0]
	}
	return m
}

func indented(jwk json.RawMessage) secret.Text {
	_ = jwk.Indent(jsontext.WithIndent("  ")) // it is JSON, or empty with an error
	return secret.New(string(jwk) + "\n")
}

// The modes of the files that are written.
const (
	privateMode os.FileMode = 0o600
	publicMode  os.FileMode = 0o644
)

// writeNew writes a new file.
func writeNew(name string, text secret.Text, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // the file that the user named
	switch {
	case errors.Is(err, os.ErrExist):
		return withHint(fmt.Errorf("%s: the file exists already", printable.Name(name)), "choose another name, or remove the file")
	case err != nil:
		return withHint(fmt.Errorf("%s: the file cannot be written", printable.Name(name)), "check the folder and its permissions")
	}
	_, err = io.WriteString(f, text.Reveal())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(name) // an incomplete key
		return withHint(fmt.Errorf("%s: the file cannot be written", printable.Name(name)), "check that the disk has space")
	}
	return nil
}

// writeKey writes a key to a new file, or to standard output if name is - or
// empty; an empty name does not print a private key on a terminal.
func writeKey(env Env, name string, text secret.Text, isPrivate bool) error {
	if name != "" && name != dash {
		mode := publicMode
		if isPrivate {
			mode = privateMode
		}
		return writeNew(name, text, mode)
	}
	if isPrivate && name != dash && isTerminal(env.Stdout) {
		return usage("add --out FILE, or --out - to print it", "a private key is not printed on a terminal")
	}
	_, err := io.WriteString(env.Stdout, text.Reveal())
	return err
}
