package decode

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"slices"

	"conductor-jwt/internal/fault"
)

// checkEd25519 refuses a key whose public half is not the one of its seed:
// signing with another one gives the key away with the second signature, as
// both share R, not S (RFC 8032 §5.1.6).
func checkEd25519(p ed25519.PrivateKey) error {
	if len(p) != ed25519.PrivateKeySize {
		return &fault.Error{Reason: ErrUnreadable, Found: "an ed25519 key of the wrong length", Hint: "export the whole key again"}
	}
	if !bytes.Equal(ed25519.NewKeyFromSeed(p.Seed()), p) {
		return inconsistentEd25519()
	}
	return nil
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
