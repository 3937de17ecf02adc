package keys

import (
	"bytes"
	"crypto/ed25519"

	"github.com/golang-jwt/jwt/v5"
)

func newEd25519(p ed25519.PrivateKey, m meta) *localKey {
	public := ed25519.PublicKey(bytes.Clone(p[ed25519.SeedSize:]))
	return &localKey{
		kind: KindOKP, public: public, algorithms: []Algorithm{EdDSA, Ed25519},
		meta: m, private: func() any { return p },
	}
}

// methodEd25519 is EdDSA under its fully specified name (RFC 9864 §2.2).
type methodEd25519 struct{ *jwt.SigningMethodEd25519 }

var _ jwt.SigningMethod = methodEd25519{}

// Alg implements [jwt.SigningMethod].
func (methodEd25519) Alg() string { return string(Ed25519) }
