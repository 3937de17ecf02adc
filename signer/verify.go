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

// Rules are what a verifier expects of a token.
type Rules struct {
	Now    time.Time
	Leeway time.Duration // for exp, nbf, iat and MaxAge

	// Algorithm is the only one to accept. Empty: the key's, which must then
	// have only one (or two names of one).
	Algorithm keys.Algorithm

	IgnoreExpiry bool          // accept an expired token, and one without exp
	Issuer       string        // iss; empty: any
	Audience     string        // one of aud; empty: any
	Subject      string        // sub; empty: any
	Type         string        // typ; empty: any
	MaxAge       time.Duration // since iat, which is then required; 0: any age
}

// Verify checks the signature of p with the key v, and then its claims by
// rules. If the signature does not verify, only that is reported. All faults of
// claims are reported together (errors.Join), each an *[fault.Error].
func Verify(p Parsed, v keys.Verifier, rules Rules) error {
	if err := VerifySignature(p, v, rules.Algorithm); err != nil {
		return err
	}
	return checkClaims(p, rules)
}

// VerifySignature checks only the signature of p with the key v; only is
// [Rules.Algorithm].
func VerifySignature(p Parsed, v keys.Verifier, only keys.Algorithm) error {
	alg, err := selectAlgorithm(p, v, only)
	if err != nil {
		return err
	}
	if v.Verify(alg, []byte(p.input), p.Signature) == nil {
		return nil
	}
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

// selectAlgorithm selects the algorithm by the key and by only; the token's
// header must agree and never chooses (RFC 8725 §3.1).
func selectAlgorithm(p Parsed, v keys.Verifier, only keys.Algorithm) (keys.Algorithm, error) {
	accepted := v.Algorithms()
	if only != "" {
		if !slices.Contains(accepted, only) {
			return "", &fault.Error{
				Reason: ErrAlgorithm, Field: fault.Algorithm, Found: fmt.Sprintf("%s does not fit this key", only),
				Hint: "use " + keys.JoinAlgorithms(accepted),
			}
		}
		accepted = []keys.Algorithm{only}
	}
	alg := keys.Algorithm(p.Algorithm)
	if !slices.Contains(accepted, alg) {
		return "", &fault.Error{
			Reason: ErrAlgorithm, Field: "alg", Found: "the token's algorithm is not accepted for this key",
			Hint: "accepted: " + keys.JoinAlgorithms(accepted),
		}
	}
	if !OneAlgorithm(accepted) {
		return "", &fault.Error{
			Reason: ErrAlgorithmAmbiguous, Field: fault.Algorithm, Found: "the key fits several algorithms, and the token's header must not select one",
			Hint: "set " + fault.Algorithm + " to the expected one of " + keys.JoinAlgorithms(accepted),
		}
	}
	return alg, nil
}

// OneAlgorithm reports whether a list holds only one algorithm; EdDSA and
// Ed25519 are the same (RFC 9864 §2.2).
func OneAlgorithm(list []keys.Algorithm) bool {
	return len(list) == 1 || !slices.ContainsFunc(list, func(a keys.Algorithm) bool {
		return a != keys.EdDSA && a != keys.Ed25519
	})
}

// isDERSignature detects an ECDSA-Sig-Value (RFC 3279 §2.2.3), the form that
// OpenSSL, Java and key stores return.
func isDERSignature(alg keys.Algorithm, signature []byte) bool {
	if !alg.IsECDSA() {
		return false
	}
	var value struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(signature, &value)
	return err == nil && len(rest) == 0
}
