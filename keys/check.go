package keys

import (
	"fmt"
	"slices"

	"conductor-jwt/internal/fault"
)

// Check reports whether k may sign with alg: nil, or an *fault.Error of
// [ErrAlgorithmMismatch] that says which algorithms fit, or of [ErrWeak] where
// an HMAC key is shorter than the algorithm's hash (RFC 7518 §3.2).
func Check(k Key, alg Algorithm) error {
	fitting := k.Algorithms()
	if slices.Contains(fitting, alg) {
		return nil
	}
	if err := tooShort(k, alg); err != nil {
		return err
	}
	if local, ok := k.(*localKey); ok && local.meta.alg != "" {
		return boundElsewhere(alg, local.meta.alg)
	}
	return misfit(KindOf(k), alg, fitting)
}

// asked names the algorithm that was asked for. The names are a closed set and
// no secrets; any other text may be one.
func asked(alg Algorithm) string {
	if slices.Contains(Algorithms(), alg) {
		return string(alg)
	}
	return "the algorithm"
}

// boundElsewhere refuses an algorithm that is not the one of a JWK's alg
// (RFC 7517 §4.4).
func boundElsewhere(alg, own Algorithm) error {
	return &fault.Error{
		Reason: ErrAlgorithmMismatch,
		Found:  asked(alg) + " is not the jwk's own alg",
		Hint:   fmt.Sprintf("set algorithm to %s, or take alg out of the jwk", own),
	}
}

// misnamed refuses a JWK whose alg its own key cannot serve.
func misnamed(kind Kind, fitting []Algorithm) error {
	return &fault.Error{
		Reason: ErrAlgorithmMismatch,
		Found:  fmt.Sprintf("a jwk with %s whose alg does not fit it", kind.phrase(fitting)),
		Hint:   "correct its alg to " + list(fitting) + ", or leave it out",
	}
}

func misfit(kind Kind, alg Algorithm, fitting []Algorithm) error {
	return &fault.Error{
		Reason: ErrAlgorithmMismatch,
		Found:  asked(alg) + " does not fit " + kind.phrase(fitting),
		Hint:   "set algorithm to " + list(fitting),
	}
}

// tooShort reports an HMAC secret that is shorter than alg's hash.
func tooShort(k Key, alg Algorithm) error {
	local, ok := k.(*localKey)
	if !ok || local.kind != KindOct {
		return nil
	}
	raw, ok := local.private().([]byte)
	if !ok {
		return nil
	}
	return tooShortFor(alg, len(raw))
}

func tooShortFor(alg Algorithm, octets int) error {
	if !isHMAC(alg) || octets >= hmacMinimum(alg) {
		return nil
	}
	return weakHMAC(octets, alg)
}

// phrase names a kind of key in a message, with its curve where it has one.
func (k Kind) phrase(fitting []Algorithm) string {
	switch k {
	case KindRSA:
		return "an rsa key"
	case KindRSAPSS:
		return "an rsassa-pss key"
	case KindEC:
		return "an ec key" + curvePhrase(fitting)
	case KindSecp256k1:
		return "a secp256k1 key"
	case KindOKP:
		return "an ed25519 key"
	case KindOct:
		return "an hmac key"
	case KindMLDSA:
		return "an ml-dsa key"
	}
	return "this key"
}

func curvePhrase(fitting []Algorithm) string {
	switch {
	case slices.Contains(fitting, ES256):
		return " on P-256"
	case slices.Contains(fitting, ES384):
		return " on P-384"
	case slices.Contains(fitting, ES512):
		return " on P-521"
	}
	return ""
}

// list writes a choice: "RS256, RS384 or RS512".
func list(algorithms []Algorithm) string {
	last := len(algorithms) - 1
	if last < 1 {
		return JoinAlgorithms(algorithms)
	}
	return JoinAlgorithms(algorithms[:last]) + " or " + string(algorithms[last])
}
