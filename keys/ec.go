package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
)

func newEC(p *ecdsa.PrivateKey, m meta) *localKey {
	return &localKey{
		kind: KindEC, public: &p.PublicKey, algorithms: []Algorithm{ecAlgorithm(p.Curve)},
		meta: m, private: func() any { return p },
	}
}

// ecAlgorithm is the one algorithm of a curve (RFC 7518 §3.4).
func ecAlgorithm(c elliptic.Curve) Algorithm {
	switch c {
	case elliptic.P384():
		return ES384
	case elliptic.P521():
		return ES512
	default:
		return ES256
	}
}
