package keys

import (
	"crypto/mldsa"

	"github.com/golang-jwt/jwt/v5"
)

func newMLDSA(p *mldsa.PrivateKey, m meta) *localKey {
	return &localKey{
		kind: KindMLDSA, public: p.PublicKey(), algorithms: []Algorithm{mldsaAlgorithm(p.PublicKey())},
		meta: m, private: func() any { return p },
	}
}

// mldsaAlgorithm is the one algorithm of a parameter set (RFC 9964 §3).
func mldsaAlgorithm(p *mldsa.PublicKey) Algorithm {
	switch p.Parameters() {
	case mldsa.MLDSA44():
		return MLDSA44
	case mldsa.MLDSA65():
		return MLDSA65
	default:
		return MLDSA87
	}
}

// methodMLDSA is ML-DSA with an empty context (RFC 9964 §4).
type methodMLDSA struct{ alg Algorithm }

var _ jwt.SigningMethod = methodMLDSA{}

// Alg implements [jwt.SigningMethod].
func (m methodMLDSA) Alg() string { return string(m.alg) }

// Sign implements [jwt.SigningMethod] for a *mldsa.PrivateKey. It is the
// hedged variant of FIPS 204 §5.2, which resists fault attacks.
func (m methodMLDSA) Sign(input string, key any) ([]byte, error) {
	p, ok := key.(*mldsa.PrivateKey)
	if !ok || mldsaAlgorithm(p.PublicKey()) != m.alg {
		return nil, jwt.ErrInvalidKeyType
	}
	return p.Sign(nil, []byte(input), &mldsa.Options{})
}

// Verify implements [jwt.SigningMethod] for a *mldsa.PublicKey.
func (m methodMLDSA) Verify(input string, signature []byte, key any) error {
	p, ok := key.(*mldsa.PublicKey)
	if !ok || mldsaAlgorithm(p) != m.alg {
		return jwt.ErrInvalidKeyType
	}
	return mldsa.Verify(p, []byte(input), signature, &mldsa.Options{})
}
