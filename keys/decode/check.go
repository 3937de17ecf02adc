package decode

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// RSAPSS is an RSA key whose key info says id-RSASSA-PSS: it must not be used
// with PKCS#1 v1.5 (RFC 4055 §1.2), so never for RS*.
type RSAPSS struct {
	Key  *rsa.PrivateKey
	Hash crypto.Hash // the only one that the key's parameters allow; 0: any
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

// Check checks the numbers of a private key, of one of the types of
// [Key.Private], and compares the public half that it holds with the one that
// belongs to it. It takes keys that no reader of this package made, too.
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
			return &fault.Error{Reason: ErrUnreadable, Found: "an ml-dsa key without its seed", Hint: "export the whole key again"}
		}
		return nil
	case HMACSecret:
		return nil
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "a private key of a type that cannot sign a jwt",
		Hint: "use an rsa, ec (P-256, P-384, P-521, secp256k1), ed25519 or ml-dsa key",
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
		Reason: ErrUnsupported, Found: "an rsassa-pss key bound to a hash that no jws algorithm has",
		Hint: "use one without parameters, or with sha-256, sha-384 or sha-512",
	}
}

func unsupportedPublic() error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "a public key of a type that cannot check a jwt",
		Hint: "use an rsa, ec (P-256, P-384, P-521, secp256k1), ed25519 or ml-dsa key",
	}
}
