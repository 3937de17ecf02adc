package cli

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
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

// addText writes a member that may be absent.
func addText(o *jsonobj.Object, name, text string) {
	if text != "" {
		o.String(name, text)
	}
}

// anyKey is a key of which at least the public half is known, or a secret.
type anyKey struct {
	name     string
	private  keys.Key // nil for a public key
	verifier keys.Verifier
	jose     bool // it was a JWK
}

// readAnyKey reads a private key, or else a public one or a certificate.
func readAnyKey(ctx context.Context, env Env, from keyFlags) (anyKey, error) {
	if from.choose == "" {
		from.choose = "put the one that is meant into a file of its own"
	}
	file, err := readKeyFile(env, &from, "")
	if err != nil {
		return anyKey{}, err
	}
	key, err := file.resolve(ctx, env)
	if err == nil {
		v, err := keys.VerifierOf(key)
		if err != nil {
			return anyKey{}, file.keyError(err)
		}
		return anyKey{file.name, key, v, file.form == formJOSE}, nil
	}
	v, publicErr := keys.ReadVerifier(ctx, file.ref)
	switch {
	case publicErr == nil:
	case errors.Is(err, keys.ErrPublic), errors.Is(err, keys.ErrCertificate):
		return anyKey{}, file.keyError(publicErr)
	default:
		return anyKey{}, err
	}
	return anyKey{file.name, nil, v, file.form == formJOSE}, nil
}

// checkAlgorithm reports whether the key may say that it is for alg; empty
// says nothing.
func (k anyKey) checkAlgorithm(alg keys.Algorithm) error {
	fitting := k.verifier.Algorithms()
	if alg == "" || slices.Contains(fitting, alg) {
		return nil
	}
	return usage("use "+keys.JoinAlgorithms(fitting), "%s: --alg does not fit it", printable.Name(k.name))
}

// subject is what the functions of package keys are asked about.
func (k anyKey) subject() any {
	if k.private != nil {
		return k.private
	}
	return k.verifier
}

// facts are what may be told about a key.
func (k anyKey) facts() (jsonobj.Object, error) {
	var o jsonobj.Object
	o.String("type", string(k.kind()))
	if size := sizeOf(k.verifier.Public()); size != "" {
		o.String("size", size)
	}
	o.Set("private", []byte(fmt.Sprint(k.private != nil)))
	o.Strings("algorithms", texts(k.verifier.Algorithms()))
	if id := k.verifier.ID(); id != "" {
		o.String("keyId", id)
	}
	if err := addPrints(&o, k.subject()); err != nil {
		return o, keyError(k.name, err)
	}
	return o, nil
}

// addPrints adds the thumbprint and the SPKI fingerprint of keys that have
// one: the SHA-256 of the public key in DER, in hex, as
// `openssl pkey -pubout -outform DER | sha256sum` prints it.
func addPrints(o *jsonobj.Object, key any) error {
	id, err := keys.Thumbprint(key)
	switch {
	case errors.Is(err, keys.ErrUnsupported):
		return nil
	case err != nil:
		return err
	}
	o.String("thumbprint", id)
	der, err := keys.SPKI(key)
	if errors.Is(err, keys.ErrUnsupported) {
		return nil
	}
	sum := sha256.Sum256(der)
	o.String("spkiSha256", hex.EncodeToString(sum[:]))
	return err
}

// kind is the kind of the key, as metrics name it.
func (k anyKey) kind() keys.Kind {
	if k.private != nil {
		return keys.KindOf(k.private)
	}
	switch k.verifier.Public().(type) {
	case nil:
		return keys.KindOct
	case *rsa.PublicKey:
		if _, err := keys.SPKI(k.verifier); err != nil {
			return keys.KindRSAPSS
		}
		return keys.KindRSA
	case *ecdsa.PublicKey:
		return keys.KindEC
	case ed25519.PublicKey:
		return keys.KindOKP
	}
	if k.verifier.Algorithms()[0] == keys.ES256K {
		return keys.KindSecp256k1
	}
	return keys.KindMLDSA
}

func sizeOf(public crypto.PublicKey) string {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("%d bits", p.N.BitLen())
	case *ecdsa.PublicKey:
		return p.Curve.Params().Name
	}
	return ""
}

// printFacts prints an object of facts as JSON, or as lines of name and value.
func printFacts(w io.Writer, o *jsonobj.Object, output string) error {
	if output == outputJSON {
		return writeObject(w, o)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for m := range o.Members() {
		text := brief(m.Name, m.Value)
		if s, ok := o.Text(m.Name); ok {
			text = printable.Line(s)
		} else if list, ok := jsonobj.Strings(m.Value); ok {
			text = strings.Join(list, ", ")
		}
		// Rows go to the table's own memory; only Flush writes.
		_, _ = fmt.Fprintf(table, "%s\t%s\n", m.Name, text)
	}
	return table.Flush()
}

// fitCertificate adds what the first certificate of the file is, or fails
// where it is not this key's.
func (k anyKey) fitCertificate(facts *jsonobj.Object, name string, now time.Time) error {
	if name == "" {
		return nil
	}
	chain, err := readChain(name)
	if err != nil {
		return err
	}
	leaf := chain[0]
	if err := signer.MatchCertificate(k.verifier.Public(), leaf); err != nil {
		return withHint(fmt.Errorf("%s: its first certificate is not one of %s", printable.Name(name), printable.Name(k.name)),
			"look for the certificate, or for the key, of the other")
	}
	var c jsonobj.Object
	c.String("subject", leaf.Subject.String())
	c.String("notBefore", leaf.NotBefore.UTC().Format(time.RFC3339))
	c.String("notAfter", leaf.NotAfter.UTC().Format(time.RFC3339))
	c.Int("chain", int64(len(chain)))
	if err := signer.CheckChain(chain, now); err != nil {
		c.String("problem", signerError("", err).Error())
	}
	facts.Set("certificate", c.AppendJSON(nil))
	return nil
}

// fitSet adds the id under which a JWK Set holds this key, or fails where it
// does not.
func (k anyKey) fitSet(ctx context.Context, facts *jsonobj.Object, name string) error {
	if name == "" {
		return nil
	}
	thumbprint, err := keys.Thumbprint(k.subject())
	if err != nil {
		return keyError(k.name, err)
	}
	elements, err := readSet(name)
	if err != nil {
		return err
	}
	for _, e := range elements {
		v, err := keys.ReadVerifier(ctx, keys.Ref{Text: secret.New(string(e))})
		if err != nil {
			continue // a key of another kind or use does not disturb the others (RFC 7517 §5)
		}
		if id, err := keys.Thumbprint(v); err != nil || id != thumbprint {
			continue
		}
		var found jsonobj.Object
		addText(&found, "keyId", v.ID())
		found.Strings("algorithms", texts(v.Algorithms()))
		facts.Set("jwks", found.AppendJSON(nil))
		return nil
	}
	return withHint(fmt.Errorf("%s: none of its %s is %s", printable.Name(name), plural(len(elements), "key"), printable.Name(k.name)),
		"publish it: `conductor-jwt jwks "+printable.Name(k.name)+"`")
}

// readSet reads the keys of a JWK Set, each as it is.
func readSet(name string) ([]json.RawMessage, error) {
	raw, err := readFile(name, maxKeySet)
	if err != nil {
		return nil, err
	}
	set, err := jsonobj.Parse(raw, jsonobj.Limits{Bytes: maxKeySet})
	if err != nil {
		return nil, signerError(printable.Name(name), err)
	}
	list, _ := set.Get("keys")
	elements, ok := jsonobj.Elements(list)
	if !ok {
		return nil, withHint(errors.New(printable.Name(name)+": not a JWK Set"), "a JWK Set is an object with an array keys (rfc 7517 section 5)")
	}
	return elements, nil
}

// maxKeySet is the size in bytes of the largest JWK Set that is compared with.
const maxKeySet = 1 << 20
