package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"

	"conductor-jwt/internal/fault"
)

func newEC(p *ecdsa.PrivateKey, m meta) (*localKey, error) {
	if p == nil || p.Curve == nil || p.D == nil || p.X == nil || p.Y == nil { //nolint:staticcheck // a nil number would panic in Bytes
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "an ec key without its numbers", Hint: "export the whole key again"}
	}
	alg, err := ecAlgorithm(p.Curve)
	if err != nil {
		return nil, err
	}
	raw, err := p.Bytes()             // fails for a scalar of 0 or beyond the order, and ignores the sign
	if err != nil || p.D.Sign() < 0 { //nolint:staticcheck // x/crypto/ssh reads the sign
		return nil, inconsistentEC()
	}
	// crypto/ecdsa signs with a public half that belongs to another key.
	derived, err := ecdsa.ParseRawPrivateKey(p.Curve, raw)
	if err != nil || !derived.PublicKey.Equal(&p.PublicKey) {
		return nil, inconsistentEC()
	}
	return &localKey{
		kind: KindEC, public: &derived.PublicKey, algorithms: []Algorithm{alg},
		meta: m, private: func() any { return derived },
	}, nil
}

// ecAlgorithm is the one algorithm of a curve (RFC 7518 §3.4).
func ecAlgorithm(c elliptic.Curve) (Algorithm, error) {
	switch c {
	case elliptic.P256():
		return ES256, nil
	case elliptic.P384():
		return ES384, nil
	case elliptic.P521():
		return ES512, nil
	}
	return "", &fault.Error{
		Reason: ErrUnsupported, Found: "an ec key on a curve that no jws algorithm has",
		Hint: "use P-256, P-384, P-521 or secp256k1",
	}
}

func inconsistentEC() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "an ec key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}
