package keys

import "strings"

// Algorithm is a JWS algorithm name, exactly as the header writes it
// (RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812 §3.2, RFC 9864 §2, RFC 9964).
type Algorithm string

// The algorithms that exist here. The header keeps the name that was asked
// for: EdDSA and Ed25519 make the same signature under two names.
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
