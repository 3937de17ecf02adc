package decode

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// RSAPSS is an RSA key whose key info says id-RSASSA-PSS: it must not be used
// with PKCS#1 v1.5 (RFC 4055 §1.2), so never for RS*.
type RSAPSS struct {
	Key  *rsa.PrivateKey
	Hash crypto.Hash // the only hash that the key's parameters allow; 0 means any
}

// RSAPSSPublic is the public half of an RSAPSS.
type RSAPSSPublic struct {
	Key  *rsa.PublicKey
	Hash crypto.Hash
}

// HMACSecret is the key of HS256, HS384 and HS512 (RFC 7518 §3.2).
type HMACSecret []byte

// Format implements [fmt.Formatter], so that no verb prints the bytes.
func (HMACSecret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(secret.Redacted)) // a formatter has nowhere to report to
}

// useSupported is the hint for a key of another type.
const useSupported = "use an RSA, EC (P-256, P-384, P-521, secp256k1), Ed25519 or ML-DSA key"

// Check checks the numbers of a private key, of one of the types of
// [Key.Private], and compares the public half that it holds with the one that
// belongs to it. The key may come from anywhere.
func Check(private any) error {
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return checkRSAPrivate(p)
	case RSAPSS:
		if err := checkPSSHash(p.Hash); err != nil {
			return err
		}
		return checkRSAPrivate(p.Key)
	case *ecdsa.PrivateKey:
		return checkEC(p)
	case *secp256k1.PrivateKey:
		if p == nil || p.Key.IsZero() {
			return inconsistentEC()
		}
		return nil
	case ed25519.PrivateKey:
		return checkEd25519(p)
	case *mldsa.PrivateKey:
		if p == nil {
			return &fault.Error{Reason: ErrUnreadable, Found: "this is an ML-DSA key without its seed", Hint: "export the whole key again"}
		}
		return nil
	case HMACSecret:
		return nil
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a private key of a type that cannot sign a JWT",
		Hint: useSupported,
	}
}

// CheckPublic checks a public key, of one of the types of [Key.Public].
func CheckPublic(public any) error {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return checkRSAPublic(p.N, p.E)
	case RSAPSSPublic:
		if err := checkPSSHash(p.Hash); err != nil {
			return err
		}
		return checkRSAPublic(p.Key.N, p.Key.E)
	case *ecdsa.PublicKey:
		return checkCurve(p.Curve)
	case ed25519.PublicKey:
		return checkEd25519Public(p)
	case *secp256k1.PublicKey, *mldsa.PublicKey:
		return nil
	}
	return unsupportedPublic()
}

// checkPSSHash refuses a key that is bound to a hash of no PS algorithm (RFC
// 7518 §3.5).
func checkPSSHash(hash crypto.Hash) error {
	switch hash {
	case 0, crypto.SHA256, crypto.SHA384, crypto.SHA512:
		return nil
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is an RSASSA-PSS key bound to a hash that no JWS algorithm has",
		Hint: "use one without parameters, or with SHA-256, SHA-384 or SHA-512",
	}
}

func unsupportedPublic() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a public key of a type that cannot check a JWT",
		Hint: useSupported,
	}
}

// checkEd25519 refuses a key whose public half is not that of its seed: two
// signatures with a wrong public half reveal the key, as both share R, not S
// (RFC 8032 §5.1.6).
func checkEd25519(p ed25519.PrivateKey) error {
	if len(p) != ed25519.PrivateKeySize {
		return &fault.Error{Reason: ErrUnreadable, Found: "this is an Ed25519 key of the wrong length", Hint: "export the whole key again"}
	}
	if !bytes.Equal(ed25519.NewKeyFromSeed(p.Seed()), p) {
		return inconsistentEd25519()
	}
	return nil
}

// checkEd25519Public refuses a point of small order, with which a forged
// signature verifies for any message, and an encoding that is not canonical
// (RFC 8032 §5.1.3). It compares y with the five values that points of small
// order have, and ignores the sign of x.
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
		return unusablePoint("this is an Ed25519 public key that is not in its canonical form")
	}
	order8, _ := new(big.Int).SetString("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", 16)
	for _, small := range []*big.Int{new(big.Int), big.NewInt(1), order8} {
		if y.Cmp(small) == 0 || y.Cmp(new(big.Int).Sub(p, small)) == 0 {
			return unusablePoint("this is an Ed25519 public key of small order")
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
		Reason: ErrInconsistent, Found: "this is an Ed25519 key whose public half does not belong to its private half",
		Hint: "export the key again; this copy is damaged or was tampered with",
	}
}
