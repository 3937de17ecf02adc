package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/keys/decode"
)

// Algorithm is a JWS algorithm name, exactly as the header writes it
// (RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812 §3.2, RFC 9864 §2, RFC 9964).
type Algorithm string

// The signature algorithms. The header keeps the name that was asked for: EdDSA
// and Ed25519 make the same signature under two names.
const (
	RS256   Algorithm = "RS256"
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256"
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256"
	ES384   Algorithm = "ES384"
	ES512   Algorithm = "ES512"
	ES256K  Algorithm = "ES256K"
	EdDSA   Algorithm = "EdDSA"
	Ed25519 Algorithm = "Ed25519"
	HS256   Algorithm = "HS256"
	HS384   Algorithm = "HS384"
	HS512   Algorithm = "HS512"
	MLDSA44 Algorithm = "ML-DSA-44"
	MLDSA65 Algorithm = "ML-DSA-65"
	MLDSA87 Algorithm = "ML-DSA-87"
)

// Algorithms returns every algorithm, in the order in which help lists them.
func Algorithms() []Algorithm {
	return []Algorithm{
		RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K,
		EdDSA, Ed25519, HS256, HS384, HS512, MLDSA44, MLDSA65, MLDSA87,
	}
}

// JoinAlgorithms writes a list for a message: "RS256, RS384, RS512".
func JoinAlgorithms(list []Algorithm) string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

// ParseAlgorithm reads an algorithm by its exact name. It fails with
// [ErrAlgorithmUnknown] for any other text, including none in every spelling
// (RFC 8725 §3.1, §3.2); the hint has the nearest name.
func ParseAlgorithm(name string) (Algorithm, error) {
	for _, a := range Algorithms() {
		if name == string(a) {
			return a, nil
		}
	}
	if strings.EqualFold(strings.TrimSpace(name), "none") {
		return "", &fault.Error{Reason: ErrAlgorithmUnknown, Found: "the algorithm none, an unsigned token", Hint: "use one of " + list(Algorithms())}
	}
	found := fmt.Sprintf("an unknown algorithm name of %d characters", len(name))
	if near, ok := nearestAlgorithm(name); ok {
		return "", &fault.Error{Reason: ErrAlgorithmUnknown, Found: found, Hint: fmt.Sprintf("did you mean %s? names are matched exactly", near)}
	}
	return "", &fault.Error{Reason: ErrAlgorithmUnknown, Found: found, Hint: "use one of " + list(Algorithms())}
}

// nearestAlgorithm finds the algorithm whose name differs least: in case, in
// separators or in at most two letters.
func nearestAlgorithm(name string) (Algorithm, bool) {
	if len(name) > 16 {
		return "", false
	}
	near := nearest.Within(strings.Join(strings.Fields(name), ""), Algorithms(), 2)
	return near, near != ""
}

// Kind is the type of a key. The set is closed, so that a metric can have it as
// a label.
type Kind string

// The kinds of keys. A kind decides which algorithms are possible, never the
// header of a token (RFC 8725 §3.1).
const (
	KindRSA       Kind = "rsa"
	KindRSAPSS    Kind = "rsa-pss" // rsassa-pss in its key info (RFC 4055 §1.2): never for RS*
	KindEC        Kind = "ec"      // P-256, P-384, P-521
	KindSecp256k1 Kind = "secp256k1"
	KindOKP       Kind = "okp" // Ed25519
	KindOct       Kind = "oct" // an HMAC secret
	KindMLDSA     Kind = "ml-dsa"
	KindUnknown   Kind = "unknown"
)

// Kinds returns every kind.
func Kinds() []Kind {
	return []Kind{KindRSA, KindRSAPSS, KindEC, KindSecp256k1, KindOKP, KindOct, KindMLDSA, KindUnknown}
}

// KindOf returns the kind of a Key or a Verifier.
func KindOf(k interface {
	Public() crypto.PublicKey
	Algorithms() []Algorithm
},
) Kind {
	if k == nil {
		return KindUnknown
	}
	if t := traitsOf(k); t != nil {
		return t.kind
	}
	switch k.Public().(type) {
	case nil:
		return KindOct
	case *rsa.PublicKey:
		if slices.ContainsFunc(k.Algorithms(), isPKCS1v15) {
			return KindRSA
		}
		return KindRSAPSS
	case *ecdsa.PublicKey:
		return KindEC
	case *secp256k1.PublicKey:
		return KindSecp256k1
	case ed25519.PublicKey:
		return KindOKP
	case *mldsa.PublicKey:
		return KindMLDSA
	}
	return KindUnknown
}

func isPKCS1v15(a Algorithm) bool { return a == RS256 || a == RS384 || a == RS512 }

// Check reports whether k may sign with alg. It returns nil, or an *fault.Error
// of [ErrAlgorithmMismatch] that says which algorithms fit, or of [ErrWeak]
// where an HMAC secret is shorter than the hash (RFC 7518 §3.2).
func Check(k Key, alg Algorithm) error {
	if t := traitsOf(k); t != nil {
		return t.check(alg)
	}
	fitting := k.Algorithms()
	if slices.Contains(fitting, alg) {
		return nil
	}
	return unfitAlgorithm(KindOf(k), alg, fitting)
}

// BoundTo returns the alg of the JWK that a Key or a Verifier was read from:
// the only algorithm that it may be used with (RFC 7517 §4.4). It is empty
// where the key names none.
func BoundTo(key interface{ Algorithms() []Algorithm }) Algorithm {
	if t := traitsOf(key); t != nil {
		return t.meta.alg
	}
	return ""
}

// nameOf returns the name of an algorithm for a message. Any text that is no
// algorithm may be a secret.
func nameOf(alg Algorithm) string {
	if slices.Contains(Algorithms(), alg) {
		return string(alg)
	}
	return "the algorithm"
}

// otherAlgorithm is the error of an algorithm that is not the alg of a JWK (RFC
// 7517 §4.4).
func otherAlgorithm(alg, own Algorithm) error {
	return &fault.Error{
		Reason: ErrAlgorithmMismatch,
		Found:  nameOf(alg) + " is not the jwk's own alg",
		Hint:   fmt.Sprintf("set %s to %s, or take alg out of the jwk", fault.Algorithm, own),
	}
}

// unfitAlg is the error of a JWK whose alg does not fit its own key.
func unfitAlg(kind Kind, fitting []Algorithm) error {
	return &fault.Error{
		Reason: ErrAlgorithmMismatch,
		Found:  fmt.Sprintf("a jwk with %s whose alg does not fit it", kind.phrase(fitting)),
		Hint:   "correct its alg to " + list(fitting) + ", or leave it out",
	}
}

func unfitAlgorithm(kind Kind, alg Algorithm, fitting []Algorithm) error {
	return &fault.Error{
		Reason: ErrAlgorithmMismatch,
		Found:  nameOf(alg) + " does not fit " + kind.phrase(fitting),
		Hint:   "set " + fault.Algorithm + " to " + list(fitting),
	}
}

// phrase returns the name of a kind for a message, with the curve of an EC key.
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

// list joins algorithms for a message: "RS256, RS384 or RS512".
func list(algorithms []Algorithm) string {
	last := len(algorithms) - 1
	if last < 1 {
		return JoinAlgorithms(algorithms)
	}
	return JoinAlgorithms(algorithms[:last]) + " or " + string(algorithms[last])
}

// fittingPublic returns the kind of a public key, of one of the types of
// [decode.Key.Public], and the algorithms that fit it, its default first.
func fittingPublic(public any) (Kind, []Algorithm) {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return KindRSA, rsaAlgorithms()
	case decode.RSAPSSPublic:
		return KindRSAPSS, pssAlgorithms(p.Hash)
	case *ecdsa.PublicKey:
		return KindEC, []Algorithm{ecAlgorithm(p.Curve)}
	case *secp256k1.PublicKey:
		return KindSecp256k1, []Algorithm{ES256K}
	case ed25519.PublicKey:
		return KindOKP, []Algorithm{EdDSA, Ed25519}
	case *mldsa.PublicKey:
		return KindMLDSA, []Algorithm{mldsaAlgorithm(p)}
	}
	return KindUnknown, nil
}

func rsaAlgorithms() []Algorithm { return []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512} }

// pssAlgorithms returns the algorithms of a key that is bound to hash; 0 means
// that it is bound to none.
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

// ecAlgorithm returns the one algorithm of a curve (RFC 7518 §3.4).
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

// mldsaAlgorithm returns the one algorithm of a parameter set (RFC 9964 §3).
func mldsaAlgorithm(p *mldsa.PublicKey) Algorithm { return Algorithm(p.Parameters().String()) }

// hmacAlgorithms returns the algorithms whose hash is not longer than a secret
// of that many bytes (RFC 7518 §3.2). It fails with [ErrWeak] where there is
// none.
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

// hmacMinimum returns the minimum length of a secret in bytes.
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
