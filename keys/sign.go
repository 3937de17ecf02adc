package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secpecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// methodOf is the signing method of an algorithm that exists; nil for any
// other name.
func methodOf(a Algorithm) jwt.SigningMethod {
	switch a {
	case RS256:
		return jwt.SigningMethodRS256
	case RS384:
		return jwt.SigningMethodRS384
	case RS512:
		return jwt.SigningMethodRS512
	case PS256:
		return strictPSS(jwt.SigningMethodPS256)
	case PS384:
		return strictPSS(jwt.SigningMethodPS384)
	case PS512:
		return strictPSS(jwt.SigningMethodPS512)
	case ES256:
		return jwt.SigningMethodES256
	case ES384:
		return jwt.SigningMethodES384
	case ES512:
		return jwt.SigningMethodES512
	case ES256K:
		return methodES256K{}
	case EdDSA:
		return jwt.SigningMethodEdDSA
	case Ed25519:
		return methodEd25519{jwt.SigningMethodEdDSA}
	case HS256:
		return jwt.SigningMethodHS256
	case HS384:
		return jwt.SigningMethodHS384
	case HS512:
		return jwt.SigningMethodHS512
	case MLDSA44, MLDSA65, MLDSA87:
		return methodMLDSA{a}
	}
	return nil
}

// strictPSS verifies only salts as long as the hash, as RFC 7518 §3.5 demands;
// the library takes any length there.
func strictPSS(m *jwt.SigningMethodRSAPSS) jwt.SigningMethod {
	exact := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: exact, VerifyOptions: exact}
}

// digestHash is the hash of an algorithm that signs a digest, RSA's and ECDSA's
// (RFC 7518 §3.1, RFC 8812 §3.2).
func digestHash(a Algorithm) crypto.Hash {
	switch a {
	case RS384, PS384, ES384:
		return crypto.SHA384
	case RS512, PS512, ES512:
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

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
	signature := secpecdsa.Sign(p, digest[:])
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
	if !secpecdsa.NewSignature(&r, &s).Verify(digest[:], p) {
		return jwt.ErrSignatureInvalid
	}
	return nil
}

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

func rsaAlgorithms() []Algorithm { return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512} }

func newRSA(p *rsa.PrivateKey, m meta) *localKey {
	return &localKey{
		kind: KindRSA, public: &rsa.PublicKey{N: p.N, E: p.E}, algorithms: rsaAlgorithms(),
		meta: m, private: func() any { return p },
	}
}

func newRSAPSS(p decode.RSAPSS, m meta) *localKey {
	k := newRSA(p.Key, m)
	k.kind, k.algorithms = KindRSAPSS, pssAlgorithms(p.Hash)
	return k
}

// pssAlgorithms are those of a key that is bound to a hash; 0: to none.
func pssAlgorithms(hash crypto.Hash) []Algorithm {
	switch hash {
	case crypto.SHA256:
		return []Algorithm{PS256}
	case crypto.SHA384:
		return []Algorithm{PS384}
	case crypto.SHA512:
		return []Algorithm{PS512}
	default:
		return []Algorithm{PS256, PS384, PS512}
	}
}

// pssHash is the hash that a key of these algorithms is bound to; 0: none.
func pssHash(algorithms []Algorithm) crypto.Hash {
	if len(algorithms) != 1 {
		return 0
	}
	return digestHash(algorithms[0])
}

func newOct(s decode.HMACSecret, m meta) (*localKey, error) {
	algorithms, err := hmacAlgorithms(len(s))
	if err != nil {
		return nil, err
	}
	raw := []byte(s)
	return &localKey{
		kind: KindOct, algorithms: algorithms, meta: m, private: func() any { return raw },
	}, nil
}

// hmacAlgorithms are those whose hash is no longer than the key (RFC 7518
// §3.2: a key of the size of the hash output or larger must be used).
func hmacAlgorithms(octets int) ([]Algorithm, error) {
	switch {
	case octets >= hmacMinimum(HS512):
		return []Algorithm{HS256, HS384, HS512}, nil
	case octets >= hmacMinimum(HS384):
		return []Algorithm{HS256, HS384}, nil
	case octets >= hmacMinimum(HS256):
		return []Algorithm{HS256}, nil
	}
	return nil, weakHMAC(octets, HS256)
}

// hmacMinimum is the least length of a key in octets.
func hmacMinimum(a Algorithm) int {
	switch a {
	case HS512:
		return 64
	case HS384:
		return 48
	default:
		return 32
	}
}

func weakHMAC(octets int, a Algorithm) error {
	return &fault.Error{
		Reason: ErrWeak, Found: fmt.Sprintf("an hmac key of %d bytes", octets),
		Hint: fmt.Sprintf("the algorithm needs at least %d random bytes (rfc 7518 section 3.2)", hmacMinimum(a)),
	}
}

func isHMAC(a Algorithm) bool { return a == HS256 || a == HS384 || a == HS512 }
