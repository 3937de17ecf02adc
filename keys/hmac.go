package keys

import (
	"fmt"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// hmacSecret is the key of HS256, HS384 and HS512 (RFC 7518 §3.2).
type hmacSecret []byte

// Format implements [fmt.Formatter], so that no verb prints the bytes.
func (hmacSecret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(secret.Redacted)) // a formatter has nowhere to report to
}

func newOct(s hmacSecret, m meta) (*localKey, error) {
	algorithms, err := hmacAlgorithms(len(s))
	if err != nil {
		return nil, err
	}
	raw := []byte(s)
	return &localKey{
		kind: KindOct, algorithms: algorithms, meta: m, private: func() any { return raw },
	}, nil
}

// readOctJWK reads an HMAC secret (RFC 7518 §6.4). It has no public half.
func readOctJWK(m members) (private, public any, err error) {
	k, err := m.bytes("k")
	if err != nil {
		return nil, nil, err
	}
	if _, err := hmacAlgorithms(len(k)); err != nil {
		return nil, nil, err
	}
	if what := foreign(k); what != "" {
		return nil, nil, &fault.Error{
			Reason: ErrUnsupported, Found: "an oct jwk whose k is " + what + ", which is no secret of its own",
			Hint: "give that key itself, or an oct jwk with random bytes",
		}
	}
	return hmacSecret(k), nil, nil
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
