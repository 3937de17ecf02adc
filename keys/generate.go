package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

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
	r := rowOf(alg)
	isRSA := r.kind == KindRSA
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
	private, err := generate(r, bits)
	if err != nil {
		return nil, &fault.Error{Reason: ErrUnsupported, Found: fmt.Sprintf("the cryptographic library refused to make a key for %s", alg), Hint: "use another algorithm"}
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
func generate(r row, bits int) (any, error) {
	switch r.kind {
	case KindRSA:
		return rsa.GenerateKey(rand.Reader, bits)
	case KindEC:
		return ecdsa.GenerateKey(r.curve, rand.Reader)
	case KindSecp256k1:
		return secp256k1.GeneratePrivateKey()
	case KindOKP:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case KindMLDSA:
		return mldsa.GenerateKey(r.parameters)
	case KindOct:
		raw := make(decode.HMACSecret, r.secretLen)
		_, _ = rand.Read(raw) // never fails (crypto/rand)
		return raw, nil
	}
	return nil, ErrAlgorithmUnknown
}
