package keys

import (
	"crypto"
	"fmt"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// Verifier is a key that checks signatures: a public key, or an HMAC secret.
// Its type and its JWK's alg decide which algorithms it takes, never the header
// of a token (RFC 8725 §3.1). It is safe for concurrent use and prints as
// [redacted].
type Verifier interface {
	// ID is the key id of the key itself; empty where it has none.
	ID() string
	// Public is the public key; nil for an HMAC secret.
	Public() crypto.PublicKey
	// Algorithms are those that the key can check, its default first.
	Algorithms() []Algorithm
	// Verify checks a signature in its JWS form over input, the JWS signing
	// input (RFC 7515 §5.2). It fails with [ErrVerification] where the
	// signature is wrong, and with [ErrAlgorithmMismatch] or [ErrWeak] for an
	// algorithm that is not one of Algorithms.
	Verify(alg Algorithm, input, signature []byte) error
}

type verifier struct {
	traits
	key func() any // in the type that the signing methods take; a closure, as it may be a secret
}

// VerifierOf returns the verifier of a key. A key with a method Verifier
// returns its own.
func VerifierOf(k Key) (Verifier, error) {
	if own, ok := k.(interface{ Verifier() (Verifier, error) }); ok {
		return own.Verifier()
	}
	if local, ok := k.(*localKey); ok && local.kind == KindOct {
		return &verifier{traits: local.traits, key: func() any { return methodKey(local.private()) }}, nil
	}
	v, err := newVerifier(k.Public(), meta{id: k.ID()})
	if err != nil {
		return nil, err
	}
	v.kind, v.rows = KindOf(k), rowsOf(k.Algorithms())
	if local, ok := k.(*localKey); ok {
		v.meta.alg = local.meta.alg
	}
	return v, nil
}

// newVerifier checks a public key, of one of the types of [decode.Key.Public],
// and makes a verifier of it.
func newVerifier(public any, m meta) (*verifier, error) {
	if err := decode.CheckPublic(public); err != nil {
		return nil, err
	}
	v := &verifier{public: public, meta: m}
	v.kind, v.rows = kindOfPublic(public), fittingPublic(public)
	if p, ok := public.(decode.RSAPSSPublic); ok {
		v.public = p.Key
	}
	v.key = func() any { return v.public }
	if err := v.restrict(m.alg); err != nil {
		return nil, err
	}
	return v, nil
}

// narrowVerifier returns the verifier of a key that may be used with these
// algorithms alone, its default first; with none of them, with all that fit its
// type.
func narrowVerifier(public any, id string, algorithms []Algorithm) (*verifier, error) {
	v, err := newVerifier(public, meta{id: id})
	if err != nil || len(algorithms) == 0 {
		return v, err
	}
	for _, a := range algorithms {
		if _, err := v.rowFor(a); err != nil {
			return nil, err
		}
	}
	v.rows = rowsOf(algorithms)
	return v, nil
}

// Verify implements Verifier.
func (v *verifier) Verify(alg Algorithm, input, signature []byte) error {
	r, err := v.rowFor(alg)
	if err != nil {
		return err
	}
	if err := r.method.Verify(string(input), signature, v.key()); err != nil {
		return &fault.Error{
			Reason: ErrVerification, Found: fmt.Sprintf("the signature (%s) does not belong to the token and this key", alg),
			Hint: "check that the key is the signer's and the token unchanged",
		}
	}
	return nil
}
