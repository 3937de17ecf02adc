package keys

import (
	"crypto"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/keys/decode"
)

// methodKey returns a private key in the type that the signing methods take.
func methodKey(private any) any {
	switch p := private.(type) {
	case decode.HMACSecret:
		return []byte(p)
	case decode.RSAPSS:
		return p.Key
	}
	return private
}

// strictPSS verifies only salts as long as the hash, as RFC 7518 §3.5 demands;
// golang-jwt takes any length.
func strictPSS(m *jwt.SigningMethodRSAPSS) jwt.SigningMethod {
	exact := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: exact, VerifyOptions: exact}
}

// signRSA signs input with an RSA key that is not in crypto/rsa.
func signRSA(s crypto.Signer, r row, input string) ([]byte, error) {
	var options crypto.SignerOpts = r.hash
	if r.pss {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: r.hash} // RFC 7518 §3.5
	}
	return s.Sign(rand.Reader, digestOf(r.hash, input), options)
}

func digestOf(hash crypto.Hash, input string) []byte {
	if hash == crypto.SHA256 {
		sum := sha256.Sum256([]byte(input))
		return sum[:]
	}
	h := hash.New()
	_, _ = h.Write([]byte(input)) // a hash never fails
	return h.Sum(nil)
}

// methodEd25519 is EdDSA under its fully specified name (RFC 9864 §2.2).
type methodEd25519 struct{ *jwt.SigningMethodEd25519 }

var _ jwt.SigningMethod = methodEd25519{}

// Alg implements [jwt.SigningMethod].
func (methodEd25519) Alg() string { return string(Ed25519) }

// methodES256K is ES256K (RFC 8812 §3.2): SHA-256, and R || S of 32 bytes each.
// Its signatures are deterministic (RFC 6979) and have the lower S. It verifies
// either S, as the RFC has no rule.
type methodES256K struct{}

var _ jwt.SigningMethod = methodES256K{}

// Alg implements [jwt.SigningMethod].
func (methodES256K) Alg() string { return string(ES256K) }

// Sign implements [jwt.SigningMethod] for a *secp256k1.PrivateKey.
func (methodES256K) Sign(input string, key any) ([]byte, error) {
	p, ok := key.(*secp256k1.PrivateKey)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	digest := sha256.Sum256([]byte(input))
	signature := ecdsa.Sign(p, digest[:])
	r, s := signature.R(), signature.S()
	out := make([]byte, 64)
	r.PutBytesUnchecked(out[:32])
	s.PutBytesUnchecked(out[32:])
	return out, nil
}

// Verify implements [jwt.SigningMethod] for a *secp256k1.PublicKey.
func (methodES256K) Verify(input string, signature []byte, key any) error {
	p, ok := key.(*secp256k1.PublicKey)
	if !ok {
		return jwt.ErrInvalidKeyType
	}
	if len(signature) != 64 {
		return jwt.ErrSignatureInvalid
	}
	var r, s secp256k1.ModNScalar
	if r.SetByteSlice(signature[:32]) || s.SetByteSlice(signature[32:]) || r.IsZero() || s.IsZero() {
		return jwt.ErrSignatureInvalid
	}
	digest := sha256.Sum256([]byte(input))
	if !ecdsa.NewSignature(&r, &s).Verify(digest[:], p) {
		return jwt.ErrSignatureInvalid
	}
	return nil
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
	if !ok || string(m.alg) != p.PublicKey().Parameters().String() {
		return nil, jwt.ErrInvalidKeyType
	}
	return p.Sign(nil, []byte(input), &mldsa.Options{})
}

// Verify implements [jwt.SigningMethod] for a *mldsa.PublicKey.
func (m methodMLDSA) Verify(input string, signature []byte, key any) error {
	p, ok := key.(*mldsa.PublicKey)
	if !ok || string(m.alg) != p.Parameters().String() {
		return jwt.ErrInvalidKeyType
	}
	return mldsa.Verify(p, []byte(input), signature, &mldsa.Options{})
}
