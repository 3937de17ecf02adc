package verifier_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/internal/secret"
	"conductor-jwt/verifier"
)

// BenchmarkVerify verifies a token by a verifier, and beside it with golang-jwt, which
// is given the key and the same rules.
func BenchmarkVerify(b *testing.B) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	for _, key := range []jose.JSONWebKey{newKey(b, "a"), {Key: private, KeyID: "a", Algorithm: "RS256", Use: "sig"}} {
		i := newIssuer(b)
		i.keys = []jose.JSONWebKey{newKey(b, "x"), newKey(b, "y"), key}
		r := newRig(b, i, fmt.Sprintf(`verifiers: {ci: {issuer: %q, audiences: [api], algorithms: [%s]}}`, issuerURL, key.Algorithm))
		token := sign(b, key)
		b.Run(key.Algorithm+"/verifier", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Verify(context.Background(), verifier.Request{Verifier: "ci", Token: secret.New(token)}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(key.Algorithm+"/golang-jwt", func(b *testing.B) {
			b.ReportAllocs()
			parser := jwt.NewParser(jwt.WithValidMethods([]string{key.Algorithm}), jwt.WithIssuer(issuerURL), jwt.WithAudience("api"), jwt.WithExpirationRequired(), jwt.WithJSONNumber())
			var public crypto.PublicKey
			switch k := key.Key.(type) {
			case *ecdsa.PrivateKey:
				public = k.Public()
			case *rsa.PrivateKey:
				public = k.Public()
			}
			for b.Loop() {
				if _, err := parser.Parse(token, func(*jwt.Token) (any, error) { return public, nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
