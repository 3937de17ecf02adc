package keys

import (
	"crypto/sha256"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/golang-jwt/jwt/v5"
)

func newSecp256k1(p *secp256k1.PrivateKey, m meta) *localKey {
	return &localKey{
		kind: KindSecp256k1, public: p.PubKey(), algorithms: []Algorithm{ES256K},
		meta: m, private: func() any { return p },
	}
}

// methodES256K is ES256K (RFC 8812 §3.2): SHA-256 and R || S of 32 octets
// each. It makes deterministic signatures (RFC 6979) with the lower S and
// takes either S, as the RFC sets no rule.
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
