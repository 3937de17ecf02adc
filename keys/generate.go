package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// defaultRSABits is the size of a new RSA key. One of 3072 bits takes four times
// as long to sign.
const defaultRSABits = decode.MinRSABits

// Generate makes a new key for alg: on the curve or of the parameter set of
// alg, an RSA key of that many bits (0 means [defaultRSABits]), or an HMAC
// secret as long as the hash. The key is not bound to alg.
func Generate(alg Algorithm, bits int) (Key, error) {
	if _, err := ParseAlgorithm(string(alg)); err != nil {
		return nil, err
	}
	isRSA := slices.Contains(rsaAlgorithms(), alg)
	if !isRSA && bits != 0 {
		return nil, &fault.Error{Reason: ErrUnsupported, Found: fmt.Sprintf("a key for %s has one size only", alg), Hint: "leave the size out, or choose an RSA algorithm such as RS256"}
	}
	if isRSA {
		if bits == 0 {
			bits = defaultRSABits
		}
		if problem := sizeProblem(bits); problem != "" {
			return nil, &fault.Error{Reason: ErrWeak, Found: fmt.Sprintf("%d is %s", bits, problem), Hint: fmt.Sprintf("use %d to %d, a multiple of 8", decode.MinRSABits, decode.MaxRSABits)}
		}
	}
	private, err := generate(alg, bits)
	if err != nil {
		return nil, &fault.Error{Reason: ErrUnsupported, Found: fmt.Sprintf("a new key for %s, which the cryptographic library refused to make", alg), Hint: "use another algorithm"}
	}
	return newKey(private, meta{gate: newGate()})
}

func sizeProblem(bits int) string {
	switch {
	case bits < decode.MinRSABits:
		return "too small for an RSA key"
	case bits > decode.MaxRSABits:
		return "too large for an RSA key"
	case bits%8 != 0:
		return "not a multiple of 8"
	}
	return ""
}

// generate returns a private key of one of the types of [decode.Key.Private].
func generate(alg Algorithm, bits int) (any, error) {
	switch alg {
	case RS256, RS384, RS512, PS256, PS384, PS512:
		return rsa.GenerateKey(rand.Reader, bits)
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ES512:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case ES256K:
		return secp256k1.GeneratePrivateKey()
	case EdDSA, Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case MLDSA44:
		return mldsa.GenerateKey(mldsa.MLDSA44())
	case MLDSA65:
		return mldsa.GenerateKey(mldsa.MLDSA65())
	case MLDSA87:
		return mldsa.GenerateKey(mldsa.MLDSA87())
	case HS256, HS384, HS512:
		raw := make(decode.HMACSecret, hmacMinimum(alg))
		_, _ = rand.Read(raw) // never fails (crypto/rand)
		return raw, nil
	}
	return nil, ErrAlgorithmUnknown
}
