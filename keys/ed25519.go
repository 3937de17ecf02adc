package keys

import (
	"bytes"
	"crypto/ed25519"

	"github.com/golang-jwt/jwt/v5"
)

func newEd25519(p ed25519.PrivateKey, m meta) (*localKey, error) {
	if len(p) != ed25519.PrivateKeySize {
		return nil, &Error{Reason: ErrUnreadable, Found: "an ed25519 key of the wrong length", Hint: "export the whole key again"}
	}
	// Signing with a public half that is not d's own gives the key away with
	// the second signature: both share R, not S (RFC 8032 §5.1.6).
	derived := ed25519.NewKeyFromSeed(p.Seed())
	if !bytes.Equal(derived, p) {
		return nil, inconsistentEd25519()
	}
	public := ed25519.PublicKey(bytes.Clone(derived[ed25519.SeedSize:]))
	return &localKey{
		kind: KindOKP, public: public, algorithms: []Algorithm{EdDSA, Ed25519},
		meta: m, private: func() any { return derived },
	}, nil
}

func inconsistentEd25519() error {
	return &Error{
		Reason: ErrInconsistent, Found: "an ed25519 key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}

// methodEd25519 is EdDSA under its fully specified name (RFC 9864 §2.2).
type methodEd25519 struct{ *jwt.SigningMethodEd25519 }

var _ jwt.SigningMethod = methodEd25519{}

// Alg implements [jwt.SigningMethod].
func (methodEd25519) Alg() string { return string(Ed25519) }
