// Package josetoken signs tokens with a library that the product does not sign with, so
// that reading is not tested with what writing believes.
package josetoken

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Sign returns a token in compact form (RFC 7515 §3.1). Its payload is claims as they
// are. Headers are names and values of header parameters in turn; typ is JWT where they
// have none.
func Sign(tb testing.TB, alg jose.SignatureAlgorithm, key any, claims string, headers ...any) string {
	tb.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	for i := 0; i+1 < len(headers); i += 2 {
		name, _ := headers[i].(string)
		options = options.WithHeader(jose.HeaderKey(name), headers[i+1])
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := s.Sign([]byte(claims))
	if err != nil {
		tb.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return compact
}
