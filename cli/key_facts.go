package cli

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

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
	return usage("use "+keys.JoinAlgorithms(fitting), "%s: --alg does not fit it", shown(k.name))
}

// subject is what the functions of package keys are asked about.
func (k anyKey) subject() any {
	if k.private != nil {
		return k.private
	}
	return k.verifier
}

// facts are what may be told about a key.
func (k anyKey) facts() (signer.Object, error) {
	var o signer.Object
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
func addPrints(o *signer.Object, key any) error {
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

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}

// printFacts prints an object of facts as JSON, or as lines of name and value.
func printFacts(w io.Writer, o *signer.Object, output string) error {
	if output == outputJSON {
		return writeObject(w, o)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for m := range o.Members() {
		text := brief(m.Name, m.Value)
		if s, ok := o.Text(m.Name); ok {
			text = shownLong(s)
		} else if list, ok := signer.Texts(m.Value); ok {
			text = strings.Join(list, ", ")
		}
		// Rows go to the table's own memory; only Flush writes.
		_, _ = fmt.Fprintf(table, "%s\t%s\n", m.Name, text)
	}
	return table.Flush()
}

func shownLong(s string) string { return strings.Map(printable, s) }

func printable(r rune) rune {
	if hidden(r) {
		return '?'
	}
	return r
}
