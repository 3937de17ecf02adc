package keys

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/json/jsontext"
	"math/big"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/decode"
)

// JWKMeta holds the members of a JWK beside its numbers (RFC 7517 §4). Empty
// ones are left out.
type JWKMeta struct {
	Use       string    // sig
	KeyID     string    // kid
	Algorithm Algorithm // alg; an ML-DSA key always has it
}

// field is a string member of a JWK.
type field struct{ name, value string }

// Thumbprint returns the JWK thumbprint (RFC 7638, SHA-256, base64url) of a
// Key, a Verifier or a public key. It fails with [ErrUnsupported] for an HMAC
// secret, whose thumbprint would help to guess it (RFC 7638 §7).
func Thumbprint(key any) (string, error) {
	fields, err := publicFields(key)
	if err != nil {
		return "", err
	}
	// Exactly the required members, in lexicographic order (§3.3).
	raw, err := encodeFields(fields)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return base64url(sum[:]), nil
}

// PublicJWK returns the public half of a Key, a Verifier or a public key as a
// JWK. It fails with [ErrUnsupported] for an HMAC secret.
func PublicJWK(key any, m JWKMeta) (json.RawMessage, error) {
	fields, err := publicFields(key)
	if err != nil {
		return nil, err
	}
	return encodeFields(withMeta(fields, m))
}

// PrivateJWK returns a key of this process as a JWK with its private members.
// It fails with [ErrUnsupported] for a key in a key store.
func PrivateJWK(k Key, m JWKMeta) (secret.JSON, error) {
	private, ok := privateOf(k)
	if !ok {
		return secret.JSON{}, &fault.Error{Reason: ErrUnsupported, Found: "this is a key whose private half is not in this process", Hint: "export it from its store, if that can be"}
	}
	if s, ok := private.(decode.HMACSecret); ok {
		return hideFields(withMeta([]field{{"kty", "oct"}, {"k", base64url(s)}}, m))
	}
	fields, err := publicFields(k)
	if err != nil {
		return secret.JSON{}, err
	}
	more, err := privateFields(private)
	if err != nil {
		return secret.JSON{}, err
	}
	return hideFields(withMeta(append(fields, more...), m))
}

func hideFields(fields []field) (secret.JSON, error) {
	raw, err := encodeFields(fields)
	if err != nil {
		return secret.JSON{}, err
	}
	return secret.NewJSON(raw), nil
}

// withMeta adds the members of m and puts kty and crv first.
func withMeta(fields []field, m JWKMeta) []field {
	out := slices.Clone(fields)
	slices.SortStableFunc(out, func(a, b field) int { return cmp.Compare(rank(a.name), rank(b.name)) })
	hasAlg := slices.ContainsFunc(fields, func(f field) bool { return f.name == "alg" })
	for _, f := range []field{{"use", m.Use}, {"kid", m.KeyID}, {"alg", string(m.Algorithm)}} {
		if f.value != "" && (f.name != "alg" || !hasAlg) {
			out = append(out, f)
		}
	}
	return out
}

func rank(name string) int {
	switch name {
	case "kty":
		return 0
	case "crv":
		return 1
	}
	return 2
}

// publicFields returns the members that a thumbprint is made of, in
// lexicographic order; kty is that of RFC 7518 §6.1, RFC 8037 §2 or RFC 9964 §5.
func publicFields(key any) ([]field, error) {
	switch p := key.(type) {
	case interface{ Public() crypto.PublicKey }: // a Key, a Verifier, a signer
		if public := p.Public(); public != nil {
			return publicFields(public)
		}
	case *rsa.PublicKey:
		return []field{{"e", base64url(big.NewInt(int64(p.E)).Bytes())}, {"kty", "RSA"}, {"n", base64url(p.N.Bytes())}}, nil
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			return nil, unwritable()
		}
		return ecFields(p.Curve.Params().Name, point), nil
	case *secp256k1.PublicKey:
		return ecFields("secp256k1", p.SerializeUncompressed()), nil
	case ed25519.PublicKey:
		return []field{{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", base64url(p)}}, nil
	case *mldsa.PublicKey:
		return []field{{"alg", p.Parameters().String()}, {"kty", "AKP"}, {"pub", base64url(p.Bytes())}}, nil
	}
	return nil, &fault.Error{Reason: ErrUnsupported, Found: "this is a key without a public half", Hint: "an HMAC secret has no public form and no thumbprint"}
}

func ecFields(curve string, point []byte) []field {
	size := len(point) / 2 // the first byte is 4
	return []field{{"crv", curve}, {"kty", "EC"}, {"x", base64url(point[1 : 1+size])}, {"y", base64url(point[1+size:])}}
}

func privateFields(private any) ([]field, error) {
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return rsaFields(p), nil
	case decode.RSAPSS:
		return rsaFields(p.Key), nil
	case *ecdsa.PrivateKey:
		d, err := p.Bytes()
		if err != nil {
			return nil, unwritable()
		}
		return []field{{"d", base64url(d)}}, nil
	case *secp256k1.PrivateKey:
		return []field{{"d", base64url(p.Serialize())}}, nil
	case ed25519.PrivateKey:
		return []field{{"d", base64url(p.Seed())}}, nil
	case *mldsa.PrivateKey:
		return []field{{"priv", base64url(p.Bytes())}}, nil
	}
	return nil, unwritable()
}

func rsaFields(p *rsa.PrivateKey) []field {
	number := func(name string, n *big.Int) field { return field{name, base64url(n.Bytes())} }
	return []field{
		number("d", p.D), number("p", p.Primes[0]), number("q", p.Primes[1]),
		number("dp", p.Precomputed.Dp), number("dq", p.Precomputed.Dq), number("qi", p.Precomputed.Qinv),
	}
}

func encodeFields(fields []field) (json.RawMessage, error) {
	var out bytes.Buffer
	e := jsontext.NewEncoder(&out, jsontext.EscapeForHTML(false))
	tokens := []jsontext.Token{jsontext.BeginObject}
	for _, f := range fields {
		tokens = append(tokens, jsontext.String(f.name), jsontext.String(f.value))
	}
	for _, t := range append(tokens, jsontext.EndObject) {
		if err := e.WriteToken(t); err != nil {
			return nil, &fault.Error{Reason: ErrUnreadable, Found: "the key id is not valid UTF-8", Hint: "use another key id"}
		}
	}
	return json.RawMessage(strings.TrimSpace(out.String())), nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
