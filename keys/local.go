package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/decode"
)

// localKey is a key whose private half is in this process. It holds it behind
// a closure, so that reflection over any struct that holds the key finds a
// code address.
type localKey struct {
	redacted
	kind       Kind
	public     crypto.PublicKey
	algorithms []Algorithm
	meta       meta
	private    func() any // of the types of [decode.Key.Private]
	native     *nativeRSA // the same key in a native library, which signs faster; nil in none
}

var (
	_ Chained   = (*localKey)(nil)
	_ Accounted = (*localKey)(nil)
)

func (k *localKey) ID() string                 { return k.meta.id }
func (k *localKey) Public() crypto.PublicKey   { return k.public }
func (k *localKey) Algorithms() []Algorithm    { return slices.Clone(k.algorithms) }
func (k *localKey) Created() time.Time         { return k.meta.created }
func (k *localKey) Chain() []*x509.Certificate { return slices.Clone(k.meta.chain) }

// Account implements Accounted.
func (k *localKey) Account() string { return k.meta.account }

// Sign implements Key.
func (k *localKey) Sign(ctx context.Context, alg Algorithm, input []byte) ([]byte, error) {
	if err := Check(k, alg); err != nil {
		return nil, err
	}
	leave, err := k.meta.gate.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	signature, err := k.sign(alg, string(input))
	if err != nil {
		return nil, k.refused()
	}
	return signature, nil
}

// refused speaks for the cryptographic library, whose text is not passed on:
// it may describe the key. An RSA signature is verified before it is given
// out, and what fails there are factors that are no primes.
func (k *localKey) refused() error {
	if k.kind == KindRSA || k.kind == KindRSAPSS {
		return &fault.Error{
			Reason: ErrInconsistent, Found: "an rsa key whose numbers do not belong together",
			Hint: "export the key again; this copy is damaged or was tampered with",
		}
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: fmt.Sprintf("a key (%s) that the cryptographic library refused to sign with", k.kind),
		Hint: "check the key with conductor-jwt key inspect",
	}
}

// restrict leaves only alg, where the key names one.
func (k *localKey) restrict(alg Algorithm) error {
	if alg == "" {
		return nil
	}
	if !slices.Contains(k.algorithms, alg) {
		if err := tooShort(k, alg); err != nil {
			return err
		}
		return misnamed(k.kind, k.algorithms)
	}
	k.algorithms = []Algorithm{alg}
	return nil
}

// Unbind lets a key of this process sign with every algorithm that its type
// permits, although its JWK names one: what step calls subtle. Other keys are
// given back as they are.
func Unbind(k Key) Key {
	local, ok := k.(*localKey)
	if !ok || local.meta.alg == "" {
		return k
	}
	private, _ := privateOf(local)
	m := local.meta
	m.alg = ""
	free, err := newLocal(private, m)
	if err != nil {
		return k
	}
	return free
}

// meta is what a key's text says beside the key itself.
type meta struct {
	id      string    // the id that the key carries; empty for PEM
	alg     Algorithm // the only one it may be used with (a JWK's alg); empty: all that fit
	created time.Time
	chain   []*x509.Certificate // leaf first
	account string              // whose key it is: a service account's client_email
	gate    *gate               // nil: ungated
}

// newKey checks a private key and makes a Key of it. The types are those of
// [decode.Key.Private]. It trusts no reader: the public half that private holds
// is compared with the one that belongs to it.
func newKey(private any, m meta) (Key, error) {
	k, err := newLocal(private, m)
	if err != nil {
		return nil, err
	}
	if err := k.restrict(m.alg); err != nil {
		return nil, err
	}
	return k, nil
}

func newLocal(private any, m meta) (*localKey, error) {
	if err := decode.Check(private); err != nil {
		return nil, err
	}
	k := &localKey{meta: m, private: func() any { return private }}
	if s, ok := private.(decode.HMACSecret); ok {
		algorithms, err := hmacAlgorithms(len(s))
		k.kind, k.algorithms = KindOct, algorithms
		return k, err
	}
	switch p := private.(type) {
	case decode.RSAPSS:
		k.public = &p.Key.PublicKey
		k.kind, k.algorithms = fittingPublic(decode.RSAPSSPublic{Key: &p.Key.PublicKey, Hash: p.Hash})
		return k, nil
	case *secp256k1.PrivateKey:
		k.public = p.PubKey()
	case crypto.Signer:
		k.public = p.Public()
	}
	k.kind, k.algorithms = fittingPublic(k.public)
	return k, nil
}

// privateOf gives the private half of a key of this process, of one of the types
// of [decode.Key.Private]; false for any other key.
func privateOf(k Key) (any, bool) {
	local, ok := k.(*localKey)
	if !ok {
		return nil, false
	}
	return local.private(), true
}

// redacted makes what embeds it print as [redacted] in every form.
type redacted struct{}

var (
	_ fmt.Formatter  = redacted{}
	_ json.Marshaler = redacted{}
	_ slog.LogValuer = redacted{}
)

// String implements [fmt.Stringer].
func (redacted) String() string { return secret.Redacted }

// GoString implements [fmt.GoStringer].
func (redacted) GoString() string { return secret.Redacted }

// Format implements [fmt.Formatter], for the verbs that skip String.
func (redacted) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(secret.Redacted)) // a formatter has nowhere to report to
}

// MarshalText implements [encoding.TextMarshaler].
func (redacted) MarshalText() ([]byte, error) { return []byte(secret.Redacted), nil }

// MarshalJSON implements [json.Marshaler].
func (redacted) MarshalJSON() ([]byte, error) { return json.Marshal(secret.Redacted) }

// LogValue implements [slog.LogValuer].
func (redacted) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }
