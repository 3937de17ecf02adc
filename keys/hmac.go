package keys

import (
	"fmt"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

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
