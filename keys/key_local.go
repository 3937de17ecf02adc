package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"conductor-jwt/internal/fault"
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
	private    func() any // the types of newKey; rsaPSS is unwrapped
	lent       *lent      // the same key in a faster library; nil in none
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
