package cli

import (
	"context"
	"crypto"
	"crypto/ecdsa"
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
		Use:        "inspect FILE",
		Short:      "Print the type, algorithms and fingerprints of a key",
		SuggestFor: []string{"fingerprint", "thumbprint"},
		Long: `Print the type and size of a key, the algorithms that it can sign or verify
with, its RFC 7638 thumbprint (the kid that sign gives to a PEM key) and the
SHA-256 of its public key in DER. Nothing of the private key is printed.

With --cert or --jwks the command fails unless the certificate belongs to the
key, or the set holds it.`,
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
			if err := errors.Join(
				key.addCertificate(&facts, certificate, env.Now()),
				key.addSet(cmd.Context(), &facts, set),
			); err != nil {
				return err
			}
			return printFacts(env.Stdout, &facts, output)
		},
	}
	s := cmd.Flags()
	s.StringVar(&from.passwordFile, "password-file", "", "`file` with the key's password, or - for standard input")
	s.StringVar(&from.kid, "kid", "", "kid of the key, if FILE is a JWK Set")
	s.StringVar(&certificate, "cert", "", "check that the certificate in `file` belongs to the key")
	s.StringVar(&set, "jwks", "", "check that the JWK Set in `file` holds the key")
	outputFlag(cmd, &output, outputText, outputJSON)
	return cmd
}

// addText sets a member unless its text is empty.
func addText(o *jsonobj.Object, name, text string) {
	if text != "" {
		o.String(name, text)
	}
}

// anyKey is a private key, a public key or a secret.
type anyKey struct {
	name     string
	private  keys.Key // nil for a public key
	verifier keys.Verifier
	jose     bool        // read from a JWK
	password secret.Text // of --password-file
}

// readAnyKey reads a private key, a public key, a certificate or a secret.
func readAnyKey(ctx context.Context, env Env, from keyFlags) (anyKey, error) {
	if from.choose == "" {
		from.choose = putAlone
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
		return anyKey{file.name, key, v, file.form == formJOSE, file.ref.Password}, nil
	}
	v, publicErr := keys.ReadVerifier(ctx, file.ref)
	switch {
	case publicErr == nil:
	case errors.Is(err, keys.ErrPublic), errors.Is(err, keys.ErrCertificate):
		return anyKey{}, file.keyError(publicErr)
	default:
		return anyKey{}, err
	}
	return anyKey{file.name, nil, v, file.form == formJOSE, file.ref.Password}, nil
}

// checkAlgorithm refuses an algorithm that does not fit the key; empty is none.
func (k anyKey) checkAlgorithm(alg keys.Algorithm) error {
	fitting := k.verifier.Algorithms()
	if alg == "" || slices.Contains(fitting, alg) {
		return nil
	}
	return usage("use "+keys.JoinAlgorithms(fitting), "--alg: the algorithm does not fit %s", printable.Name(k.name))
}

// facts returns what may be printed of a key.
func (k anyKey) facts() (jsonobj.Object, error) {
	var o jsonobj.Object
	o.String("type", string(keys.KindOf(k.verifier)))
	if size := sizeOf(k.verifier.Public()); size != "" {
		o.String("size", size)
	}
	o.Set("private", []byte(fmt.Sprint(k.private != nil)))
	o.Strings("algorithms", texts(k.verifier.Algorithms()))
	if id := k.verifier.ID(); id != "" {
		o.String("keyId", id)
	}
	if err := addFingerprints(&o, k.verifier); err != nil {
		return o, faultError(k.name, err)
	}
	return o, nil
}

// addFingerprints adds the thumbprint and the SPKI fingerprint of keys that have
// them. The latter is the SHA-256 of the public key in DER, in hexadecimal, as
// `openssl pkey -pubout -outform DER | sha256sum` prints it.
func addFingerprints(o *jsonobj.Object, key any) error {
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

func sizeOf(public crypto.PublicKey) string {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("%d bits", p.N.BitLen())
	case *ecdsa.PublicKey:
		return p.Curve.Params().Name
	}
	return ""
}

// printFacts prints an object as JSON, or as lines of name and value.
func printFacts(w io.Writer, o *jsonobj.Object, output string) error {
	if output == outputJSON {
		return writeObject(w, o)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	writeFacts(table, "", o)
	return table.Flush()
}

// writeFacts writes a line for each member of an object, and of the objects in it.
func writeFacts(table io.Writer, prefix string, o *jsonobj.Object) {
	for m := range o.Members() {
		text := brief(m.Name, m.Value)
		if s, ok := o.Text(m.Name); ok {
			text = printable.Line(s)
		} else if list, ok := jsonobj.Strings(m.Value); ok {
			text = strings.Join(list, ", ")
		} else if inner, err := jsonobj.Parse(m.Value, jsonobj.Limits{Bytes: len(m.Value)}); err == nil {
			writeFacts(table, prefix+m.Name+".", &inner)
			continue
		}
		_, _ = fmt.Fprintf(table, "%s%s\t%s\n", prefix, m.Name, text) // only Flush writes
	}
}

// addCertificate adds the first certificate of the file, or fails if it does not
// belong to the key.
func (k anyKey) addCertificate(facts *jsonobj.Object, name string, now time.Time) error {
	if name == "" {
		return nil
	}
	chain, err := readChain(name)
	if err != nil {
		return err
	}
	leaf := chain[0]
	if err := signer.MatchCertificate(k.verifier.Public(), leaf); err != nil {
		return withHint(fmt.Errorf("%s: the first certificate does not belong to %s", printable.Name(name), printable.Name(k.name)),
			"give the certificate of this key, or the key of this certificate")
	}
	var c jsonobj.Object
	c.String("subject", leaf.Subject.String())
	c.String("notBefore", leaf.NotBefore.UTC().Format(time.RFC3339))
	c.String("notAfter", leaf.NotAfter.UTC().Format(time.RFC3339))
	c.Int("chain", int64(len(chain)))
	if err := signer.CheckChain(chain, now); err != nil {
		c.String("problem", faultError("", err).Error())
	}
	facts.Set("certificate", c.AppendJSON(nil))
	return nil
}

// addSet adds the key's kid in a JWK Set, or fails if the set does not hold it.
func (k anyKey) addSet(ctx context.Context, facts *jsonobj.Object, name string) error {
	if name == "" {
		return nil
	}
	thumbprint, err := keys.Thumbprint(k.verifier)
	if err != nil {
		return faultError(k.name, err)
	}
	elements, err := readSet(name)
	if err != nil {
		return err
	}
	for _, e := range elements {
		v, err := keys.ReadVerifier(ctx, keys.Ref{Text: secret.New(string(e))})
		if err != nil {
			continue // others are ignored (RFC 7517 §5)
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
	return withHint(fmt.Errorf("%s: the set has %s, but not %s", printable.Name(name), printable.Count(len(elements), "key"), printable.Name(k.name)),
		"publish it: `conductor-jwt jwks "+printable.Name(k.name)+"`")
}

// readSet reads the keys of a JWK Set.
func readSet(name string) ([]json.RawMessage, error) {
	raw, err := readFile(name, maxKeySet)
	if err != nil {
		return nil, err
	}
	set, err := jsonobj.Parse(raw, jsonobj.Limits{Bytes: maxKeySet})
	if err != nil {
		return nil, faultError(name, err)
	}
	list, _ := set.Get("keys")
	elements, ok := jsonobj.Elements(list)
	if !ok {
		return nil, withHint(errors.New(printable.Name(name)+": this is not a JWK Set"), "give an object with an array keys (RFC 7517 section 5)")
	}
	return elements, nil
}

// maxKeySet is the maximum size of a JWK Set in bytes.
const maxKeySet = 1 << 20
