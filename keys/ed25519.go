package keys

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/internal/fault"
)

func newEd25519(p ed25519.PrivateKey, m meta) (*localKey, error) {
	if len(p) != ed25519.PrivateKeySize {
		return nil, &fault.Error{Reason: ErrUnreadable, Found: "an ed25519 key of the wrong length", Hint: "export the whole key again"}
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

// checkEd25519Public refuses a point of small order, with which a forged
// signature verifies for any message, and an encoding that is not the
// canonical one (RFC 8032 §5.1.3). The five values of y that points of small
// order have are looked at without the sign of x.
func checkEd25519Public(public ed25519.PublicKey) error {
	if len(public) != ed25519.PublicKeySize {
		return unreadablePublic()
	}
	p := new(big.Int).Lsh(big.NewInt(1), 255)
	p.Sub(p, big.NewInt(19))
	encoded := bytes.Clone(public)
	slices.Reverse(encoded)
	encoded[0] &= 0x7f
	y := new(big.Int).SetBytes(encoded)
	if y.Cmp(p) >= 0 {
		return unusablePoint("an ed25519 public key that is not in its canonical form")
	}
	order8, _ := new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
	for _, small := range []*big.Int{new(big.Int), big.NewInt(1), order8} {
		if y.Cmp(small) == 0 || y.Cmp(new(big.Int).Sub(p, small)) == 0 {
			return unusablePoint("an ed25519 public key of small order")
		}
	}
	return nil
}

func unusablePoint(found string) error {
	return &fault.Error{
		Reason: ErrWeak, Found: found + ", with which anyone can forge signatures",
		Hint: "ask its owner for another key; no key generator makes this one",
	}
}

func inconsistentEd25519() error {
	return &fault.Error{
		Reason: ErrInconsistent, Found: "an ed25519 key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}

// methodEd25519 is EdDSA under its fully specified name (RFC 9864 §2.2).
type methodEd25519 struct{ *jwt.SigningMethodEd25519 }

var _ jwt.SigningMethod = methodEd25519{}

// Alg implements [jwt.SigningMethod].
func (methodEd25519) Alg() string { return string(Ed25519) }
