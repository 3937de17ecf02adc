package signer

import (
	"encoding/asn1"
	"math/big"
	"slices"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
)

// Rules are what a verifier expects of a token.
type Rules struct {
	Now    time.Time
	Leeway time.Duration // for exp, nbf, iat and MaxAge

	// Algorithms are those to accept; empty: all of the key's. Of these, the key
	// must have only one (or two names of one): a key is for one algorithm (RFC
	// 8725 §3.1).
	Algorithms []keys.Algorithm

	IgnoreExpiry bool            // accept an expired token, and one without exp
	Issuer       string          // iss; empty: any
	Audiences    []string        // aud must name one of them; empty: any
	Subject      string          // sub; empty: any
	Types        []string        // typ must be one of them; empty: any
	MaxAge       time.Duration   // since iat, which is then required; 0: any age
	Required     []RequiredClaim // all must hold
}

// RequiredClaim is a claim that must have one of some values. It holds if the
// claim equals one of them, or is an array with an element that equals one.
// Values are equal if their JSON is: strings exactly, numbers by their digits.
type RequiredClaim struct {
	Name   string
	Values []jsonobj.Value
}

// CheckAlgorithm checks that the token's algorithm is one of r.Algorithms, before
// anybody looks for its key. The error is an *[fault.Error] of [ErrAlgorithm].
func (r Rules) CheckAlgorithm(p Parsed) error {
	if slices.Contains(r.Algorithms, keys.Algorithm(p.Algorithm)) {
		return nil
	}
	return &fault.Error{
		Reason: ErrAlgorithm, Field: "alg", Found: "the token's algorithm is not accepted",
		Hint: "accepted: " + keys.JoinAlgorithms(r.Algorithms),
	}
}

// Verify checks the signature of p with the key v, and then its claims by
// rules. If the signature does not verify, only that is reported. All faults of
// claims are reported together (errors.Join), each an *[fault.Error].
func Verify(p Parsed, v keys.Verifier, rules Rules) error {
	if err := VerifySignature(p, v, rules.Algorithms...); err != nil {
		return err
	}
	return checkClaims(p, rules)
}

// VerifySignature checks only the signature of p with the key v; expected is
// [Rules.Algorithms].
func VerifySignature(p Parsed, v keys.Verifier, expected ...keys.Algorithm) error {
	alg, err := selectAlgorithm(p, v, expected)
	if err != nil {
		return err
	}
	if v.Verify(alg, []byte(p.input), p.Signature) == nil {
		return nil
	}
	if isDERSignature(alg, p.Signature) {
		return &fault.Error{
			Reason: ErrSignature, Field: "signature", Found: "the ECDSA signature is in DER",
			Hint: "write R and S side by side, each in its full width (RFC 7518 section 3.4)",
		}
	}
	return &fault.Error{
		Reason: ErrSignature, Field: "signature", Found: "it does not verify with this key",
		Hint: "check that the key is the issuer's and that the token was copied whole",
	}
}

// selectAlgorithm selects the algorithm by the key and by the expected ones; the
// token's header must agree and never chooses (RFC 8725 §3.1).
func selectAlgorithm(p Parsed, v keys.Verifier, expected []keys.Algorithm) (keys.Algorithm, error) {
	accepted := v.Algorithms()
	if len(expected) > 0 {
		fitting := slices.DeleteFunc(slices.Clone(expected), func(a keys.Algorithm) bool { return !slices.Contains(accepted, a) })
		if len(fitting) == 0 {
			return "", &fault.Error{
				Reason: ErrAlgorithm, Field: fault.Algorithm, Found: "no expected algorithm (" + keys.JoinAlgorithms(expected) + ") fits this key",
				Hint: "use " + keys.JoinAlgorithms(accepted),
			}
		}
		accepted = fitting
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
