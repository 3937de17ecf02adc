package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rsa"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/golang-jwt/jwt/v5"

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

// row is what is known of an algorithm.
type row struct {
	name   Algorithm
	kind   Kind              // of the keys that it fits and that [Generate] makes
	method jwt.SigningMethod // signs and verifies in the form of JWS
	hash   crypto.Hash       // of the input, where that is signed; 0 for EdDSA, ML-DSA and HMAC
	pss    bool              // it also fits keys of [KindRSAPSS]

	curve      elliptic.Curve   // of KindEC
	width      int              // bytes of R and of S of an ECDSA signature (RFC 7518 §3.4)
	secretLen  int              // minimum length of an HMAC secret in bytes (RFC 7518 §3.2)
	parameters mldsa.Parameters // of KindMLDSA (RFC 9964 §3)
}

// rowOf returns the row of an algorithm; the zero row for any other name. It is a
// switch, because building all rows for one costs more than an HMAC, and each task
// asks for several.
func rowOf(a Algorithm) row {
	switch a {
	case RS256:
		return row{name: a, kind: KindRSA, method: jwt.SigningMethodRS256, hash: crypto.SHA256}
	case RS384:
		return row{name: a, kind: KindRSA, method: jwt.SigningMethodRS384, hash: crypto.SHA384}
	case RS512:
		return row{name: a, kind: KindRSA, method: jwt.SigningMethodRS512, hash: crypto.SHA512}
	case PS256:
		return row{name: a, kind: KindRSA, method: strictPSS(jwt.SigningMethodPS256), hash: crypto.SHA256, pss: true}
	case PS384:
		return row{name: a, kind: KindRSA, method: strictPSS(jwt.SigningMethodPS384), hash: crypto.SHA384, pss: true}
	case PS512:
		return row{name: a, kind: KindRSA, method: strictPSS(jwt.SigningMethodPS512), hash: crypto.SHA512, pss: true}
	case ES256:
		return row{name: a, kind: KindEC, method: jwt.SigningMethodES256, hash: crypto.SHA256, curve: elliptic.P256(), width: 32}
	case ES384:
		return row{name: a, kind: KindEC, method: jwt.SigningMethodES384, hash: crypto.SHA384, curve: elliptic.P384(), width: 48}
	case ES512:
		return row{name: a, kind: KindEC, method: jwt.SigningMethodES512, hash: crypto.SHA512, curve: elliptic.P521(), width: 66}
	case ES256K:
		return row{name: a, kind: KindSecp256k1, method: methodES256K{}, hash: crypto.SHA256, width: 32}
	case EdDSA:
		return row{name: a, kind: KindOKP, method: jwt.SigningMethodEdDSA}
	case Ed25519:
		return row{name: a, kind: KindOKP, method: methodEd25519{jwt.SigningMethodEdDSA}}
	case HS256:
		return row{name: a, kind: KindOct, method: jwt.SigningMethodHS256, secretLen: 32}
	case HS384:
		return row{name: a, kind: KindOct, method: jwt.SigningMethodHS384, secretLen: 48}
	case HS512:
		return row{name: a, kind: KindOct, method: jwt.SigningMethodHS512, secretLen: 64}
	case MLDSA44:
		return row{name: a, kind: KindMLDSA, method: methodMLDSA{a}, parameters: mldsa.MLDSA44()}
	case MLDSA65:
		return row{name: a, kind: KindMLDSA, method: methodMLDSA{a}, parameters: mldsa.MLDSA65()}
	case MLDSA87:
		return row{name: a, kind: KindMLDSA, method: methodMLDSA{a}, parameters: mldsa.MLDSA87()}
	}
	return row{}
}

// rowsOf returns the rows of algorithms, in their order.
func rowsOf(names []Algorithm) []row {
	list := make([]row, 0, len(names))
	for _, name := range names {
		if r := rowOf(name); r.name != "" {
			list = append(list, r)
		}
	}
	return list
}

func namesOf(list []row) []Algorithm {
	names := make([]Algorithm, len(list))
	for i, r := range list {
		names[i] = r.name
	}
	return names
}

// Algorithms returns every algorithm, in the order in which help lists them.
func Algorithms() []Algorithm {
	return []Algorithm{
		RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K,
		EdDSA, Ed25519, HS256, HS384, HS512, MLDSA44, MLDSA65, MLDSA87,
	}
}

// IsHMAC reports whether the key of a is a shared secret.
func (a Algorithm) IsHMAC() bool { return rowOf(a).kind == KindOct }

// IsECDSA reports whether a signature of a is R || S, which other libraries
// write in DER.
func (a Algorithm) IsECDSA() bool { return rowOf(a).width > 0 }

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
		return "", &fault.Error{Reason: ErrAlgorithmUnknown, Found: "the algorithm none leaves the token unsigned", Hint: "use one of " + list(Algorithms())}
	}
	found := fmt.Sprintf("this is an unknown algorithm name of %d characters", len(name))
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
	if k.Public() == nil {
		return KindOct
	}
	kind := kindOfPublic(k.Public())
	if kind == KindRSA && !slices.ContainsFunc(rowsOf(k.Algorithms()), func(r row) bool { return !r.pss }) {
		return KindRSAPSS
	}
	return kind
}

// Check reports whether k may sign with alg. It returns nil, or an *fault.Error
// of [ErrAlgorithmMismatch] that says which algorithms fit, or of [ErrWeak]
// where an HMAC secret is shorter than the hash (RFC 7518 §3.2).
func Check(k Key, alg Algorithm) error {
	if t := traitsOf(k); t != nil {
		_, err := t.rowFor(alg)
		return err
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
		Found:  nameOf(alg) + " is not the JWK's own alg",
		Hint:   fmt.Sprintf("set %s to %s, or take alg out of the JWK", fault.Algorithm, own),
	}
}

// unfitJWKAlg is the error of a JWK whose alg does not fit its own key.
func unfitJWKAlg(kind Kind, fitting []Algorithm) error {
	return &fault.Error{
		Reason: ErrAlgorithmMismatch,
		Found:  fmt.Sprintf("this is a JWK with %s whose alg does not fit it", kind.phrase(fitting)),
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
		return "an RSA key"
	case KindRSAPSS:
		return "an RSASSA-PSS key"
	case KindEC:
		return "an EC key" + curvePhrase(fitting)
	case KindSecp256k1:
		return "a secp256k1 key"
	case KindOKP:
		return "an Ed25519 key"
	case KindOct:
		return "an HMAC key"
	case KindMLDSA:
		return "an ML-DSA key"
	}
	return "this key"
}

func curvePhrase(fitting []Algorithm) string {
	for _, r := range rowsOf(fitting) {
		if r.curve != nil {
			return " on " + r.curve.Params().Name
		}
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

// kindOfPublic returns the kind of a public key, of one of the types of
// [decode.Key.Public].
func kindOfPublic(public any) Kind {
	switch public.(type) {
	case *rsa.PublicKey:
		return KindRSA
	case decode.RSAPSSPublic:
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

// fittingPublic returns the algorithms that fit a public key, of one of the
// types of [decode.Key.Public], its default first.
func fittingPublic(public any) []row {
	var fitting []row
	for _, a := range Algorithms() {
		if r := rowOf(a); r.fits(public) {
			fitting = append(fitting, r)
		}
	}
	return fitting
}

// fits reports whether the algorithm fits a public key, of one of the types of
// [decode.Key.Public].
func (r row) fits(public any) bool {
	switch p := public.(type) {
	case decode.RSAPSSPublic: // Hash is 0 where the key is bound to none
		return r.pss && (p.Hash == 0 || p.Hash == r.hash)
	case *ecdsa.PublicKey: // one algorithm a curve (RFC 7518 §3.4)
		return r.kind == KindEC && r.curve == p.Curve
	case *mldsa.PublicKey: // one algorithm a parameter set (RFC 9964 §3)
		return r.kind == KindMLDSA && r.parameters == p.Parameters()
	}
	return r.kind == kindOfPublic(public)
}

// fittingSecret returns the algorithms whose hash is not longer than a secret
// of that many bytes (RFC 7518 §3.2). It fails with [ErrWeak] where there is
// none.
func fittingSecret(octets int) ([]row, error) {
	var fitting []row
	minimum := math.MaxInt
	for _, a := range Algorithms() {
		r := rowOf(a)
		if r.kind != KindOct {
			continue
		}
		minimum = min(minimum, r.secretLen)
		if octets >= r.secretLen {
			fitting = append(fitting, r)
		}
	}
	if len(fitting) == 0 {
		return nil, weakHMAC(octets, minimum)
	}
	return fitting, nil
}

func weakHMAC(octets, minimum int) error {
	return &fault.Error{
		Reason: ErrWeak, Found: fmt.Sprintf("this is an HMAC key of %d bytes", octets),
		Hint: fmt.Sprintf("the algorithm needs at least %d random bytes (RFC 7518 section 3.2)", minimum),
	}
}
