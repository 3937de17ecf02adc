package conductortest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// FreshKey is a private key made for one test.
type FreshKey struct {
	Kind      string // "rsa", "ec", "secp256k1", "okp", "oct", "ml-dsa"
	Algorithm string // one that the key fits
	Text      string // for privateKey: PEM, or a JWK if there is no PEM form
	parts     []part
}

// part is one secret number or byte string of a key.
type part struct {
	name  string
	bytes []byte
}

// FreshKeys makes a key of every kind. Call it once in a test binary, because RSA
// keys are slow to make.
func FreshKeys(tb testing.TB) []FreshKey {
	tb.Helper()
	keys := []FreshKey{freshRSA(tb), freshSecp256k1(tb), freshOct(tb)}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		keys = append(keys, freshEC(tb, curve))
	}
	seed := random(ed25519.SeedSize)
	keys = append(keys, FreshKey{
		Kind: "okp", Algorithm: "EdDSA", Text: pkcs8(tb, ed25519.NewKeyFromSeed(seed)),
		parts: []part{{"d", seed}},
	})
	for name, parameters := range map[string]mldsa.Parameters{
		"ML-DSA-44": mldsa.MLDSA44(), "ML-DSA-65": mldsa.MLDSA65(), "ML-DSA-87": mldsa.MLDSA87(),
	} {
		seed := random(mldsa.PrivateKeySize)
		key, err := mldsa.NewPrivateKey(parameters, seed)
		must(tb, err)
		keys = append(keys, FreshKey{
			Kind: "ml-dsa", Algorithm: name, Text: pkcs8(tb, key), parts: []part{{"seed", seed}},
		})
	}
	return keys
}

func freshRSA(tb testing.TB) FreshKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(tb, err)
	key.Precompute()
	return FreshKey{
		Kind: "rsa", Algorithm: "RS256", Text: pkcs8(tb, key),
		parts: []part{
			{"d", key.D.Bytes()},
			{"p", key.Primes[0].Bytes()},
			{"q", key.Primes[1].Bytes()},
			{"dp", key.Precomputed.Dp.Bytes()},
			{"dq", key.Precomputed.Dq.Bytes()},
			{"qi", key.Precomputed.Qinv.Bytes()},
		},
	}
}

func freshEC(tb testing.TB, curve elliptic.Curve) FreshKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(tb, err)
	d, err := key.Bytes()
	must(tb, err)
	algorithm := map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[curve.Params().Name]
	return FreshKey{Kind: "ec", Algorithm: algorithm, Text: pkcs8(tb, key), parts: []part{{"d", d}}}
}

func freshSecp256k1(tb testing.TB) FreshKey {
	tb.Helper()
	key, err := secp256k1.GeneratePrivateKey()
	must(tb, err)
	point := key.PubKey().SerializeUncompressed()
	return FreshKey{
		Kind: "secp256k1", Algorithm: "ES256K",
		Text: jwk(tb, map[string]string{
			"kty": "EC", "crv": "secp256k1", "d": url64(key.Serialize()),
			"x": url64(point[1:33]), "y": url64(point[33:]),
		}),
		parts: []part{{"d", key.Serialize()}},
	}
}

func freshOct(tb testing.TB) FreshKey {
	tb.Helper()
	k := random(64)
	return FreshKey{
		Kind: "oct", Algorithm: "HS512", Text: jwk(tb, map[string]string{"kty": "oct", "k": url64(k)}),
		parts: []part{{"k", k}},
	}
}

func pkcs8(tb testing.TB, key crypto.PrivateKey) string {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(tb, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func jwk(tb testing.TB, members map[string]string) string {
	tb.Helper()
	raw, err := json.Marshal(members)
	must(tb, err)
	return string(raw)
}

func url64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// random returns n random bytes. The first is not zero, so that the number has
// all its digits.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	if b[0] == 0 {
		b[0] = 1
	}
	return b
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("conductortest: make a key: %v", err)
	}
}

func (p part) number() *big.Int { return new(big.Int).SetBytes(p.bytes) }

// String does not print the key.
func (k FreshKey) String() string { return fmt.Sprintf("%s key for %s", k.Kind, k.Algorithm) }

// GoString implements [fmt.GoStringer].
func (k FreshKey) GoString() string { return k.String() }
