package signer

import (
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// Verifier is the half of a key that checks signatures.
type Verifier interface {
	// ID is the key id that the key itself carries; empty without one.
	ID() string
	// Algorithms are those that the key's type, and its own alg member,
	// permit. The header of a token only chooses among them.
	Algorithms() []keys.Algorithm
	// Verify checks a signature in its JWS form over the JWS signing input.
	Verify(alg keys.Algorithm, input, signature []byte) error
}

// Rules is what a verifier expects of a token.
type Rules struct {
	Now    time.Time
	Leeway time.Duration // for exp, nbf, iat and MaxAge

	// Algorithm is the only one that is accepted; empty leaves it to the key,
	// which must then permit one alone (or two names of one).
	Algorithm keys.Algorithm

	NoExpiry  bool          // takes a token without exp
	IgnoreExp bool          // does not look at exp
	Issuer    string        // iss; empty does not look
	Audience  string        // one of aud; empty does not look
	Subject   string        // sub; empty does not look
	Type      string        // typ; empty does not look
	MaxAge    time.Duration // since iat, which then must be there; 0 does not look
}

// Verify checks the signature of p with the key v, and then its claims by
// rules. A signature that does not hold is reported alone, since nothing that
// the token says can then be believed; faults of claims are reported all
// together (errors.Join), each an *[fault.Error].
func Verify(p Parsed, v Verifier, rules Rules) error {
	if err := VerifySignature(p, v, rules.Algorithm); err != nil {
		return err
	}
	return checkClaims(p, rules)
}

// VerifySignature checks the signature of p with the key v and nothing else;
// only is [Rules.Algorithm].
func VerifySignature(p Parsed, v Verifier, only keys.Algorithm) error {
	alg, err := bindAlgorithm(p, v, only)
	if err != nil {
		return err
	}
	if err := v.Verify(alg, []byte(p.input), p.Signature); err != nil {
		if isDERSignature(alg, p.Signature) {
			return &fault.Error{
				Reason: ErrSignature, Field: "signature", Found: "an ECDSA signature in DER",
				Hint: "write R and S side by side, each in its full width (rfc 7518 section 3.4)",
			}
		}
		return &fault.Error{
			Reason: ErrSignature, Field: "signature", Found: "it does not verify with this key",
			Hint: "check that the key is the issuer's and that the token was copied whole",
		}
	}
	return nil
}

// isDERSignature knows an ECDSA-Sig-Value (RFC 3279 §2.2.3), which OpenSSL,
// Java and key stores make.
func isDERSignature(alg keys.Algorithm, signature []byte) bool {
	if !slices.Contains([]keys.Algorithm{keys.ES256, keys.ES384, keys.ES512, keys.ES256K}, alg) {
		return false
	}
	var value struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(signature, &value)
	return err == nil && len(rest) == 0
}

// bindAlgorithm decides by the key, then by the rules, and only then looks
// whether the token agrees (RFC 8725 §3.1).
func bindAlgorithm(p Parsed, v Verifier, only keys.Algorithm) (keys.Algorithm, error) {
	fitting := v.Algorithms()
	if only != "" {
		if !slices.Contains(fitting, only) {
			return "", &fault.Error{
				Reason: ErrAlgorithm, Field: "algorithm", Found: fmt.Sprintf("%s does not fit this key", only),
				Hint: "use " + keys.JoinAlgorithms(fitting),
			}
		}
		fitting = []keys.Algorithm{only}
	}
	alg := keys.Algorithm(p.Algorithm)
	if !slices.Contains(fitting, alg) {
		return "", &fault.Error{
			Reason: ErrAlgorithm, Field: "alg", Found: "the token's algorithm is not one that is accepted for this key",
			Hint: "accepted: " + keys.JoinAlgorithms(fitting),
		}
	}
	if !OneAlgorithm(fitting) {
		return "", &fault.Error{
			Reason: ErrAlgorithmOpen, Field: "algorithm", Found: "the key fits several algorithms, and a token's header must not choose",
			Hint: "say which one is expected: " + keys.JoinAlgorithms(fitting),
		}
	}
	return alg, nil
}

// OneAlgorithm reports whether a list leaves no choice; it takes EdDSA and
// Ed25519 as the one that they are (RFC 9864 §2.2).
func OneAlgorithm(list []keys.Algorithm) bool {
	return len(list) == 1 || !slices.ContainsFunc(list, func(a keys.Algorithm) bool {
		return a != keys.EdDSA && a != keys.Ed25519
	})
}
