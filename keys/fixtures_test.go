package keys_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/mldsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sharedRSA makes one RSA key for the whole run: it takes a while.
var sharedRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

// object is a JSON object to change.
type object map[string]any

func (o object) with(name string, value any) object {
	c := maps.Clone(o)
	c[name] = value
	return c
}

func (o object) without(names ...string) object {
	c := maps.Clone(o)
	for _, name := range names {
		delete(c, name)
	}
	return c
}

// member returns a string member.
func (o object) member(name string) string {
	s, ok := o[name].(string)
	if !ok {
		panic(name + " is no string")
	}
	return s
}

func (o object) text(tb testing.TB) string {
	tb.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(s string) []byte { return must(base64.RawURLEncoding.DecodeString(s)) }

func rsaJWK(k *rsa.PrivateKey) object {
	return object{
		"kty": "RSA", "n": b64(k.N.Bytes()), "e": "AQAB", "d": b64(k.D.Bytes()),
		"p": b64(k.Primes[0].Bytes()), "q": b64(k.Primes[1].Bytes()),
		"dp": b64(k.Precomputed.Dp.Bytes()), "dq": b64(k.Precomputed.Dq.Bytes()), "qi": b64(k.Precomputed.Qinv.Bytes()),
	}
}

func ecJWK(curve elliptic.Curve, name string) object {
	k := must(ecdsa.GenerateKey(curve, rand.Reader))
	point := must(k.PublicKey.Bytes())
	size := len(point) / 2
	return object{
		"kty": "EC", "crv": name, "d": b64(must(k.Bytes())),
		"x": b64(point[1 : 1+size]), "y": b64(point[1+size:]),
	}
}

func secp256k1JWK() object {
	k := must(secp256k1.GeneratePrivateKey())
	point := k.PubKey().SerializeUncompressed()
	return object{"kty": "EC", "crv": "secp256k1", "d": b64(k.Serialize()), "x": b64(point[1:33]), "y": b64(point[33:])}
}

func ed25519JWK() object {
	public, private := must2(ed25519.GenerateKey(rand.Reader))
	return object{"kty": "OKP", "crv": "Ed25519", "d": b64(private.Seed()), "x": b64(public)}
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func octJWK(octets int) object {
	return object{"kty": "oct", "k": b64(bytes.Repeat([]byte("k7"), octets)[:octets])}
}

func akpJWK(params mldsa.Parameters) object {
	k := must(mldsa.GenerateKey(params))
	return object{"kty": "AKP", "alg": params.String(), "pub": b64(k.PublicKey().Bytes()), "priv": b64(k.Bytes())}
}

func pemFile(tb testing.TB, name string) string {
	tb.Helper()
	return testFile(tb, "keys", name)
}

func testFile(tb testing.TB, folder, name string) string {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", folder, name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// resolve reads a key as a task would.
func resolve(ctx context.Context, text string) (keys.Key, error) {
	return keys.NewParser(edition()).Resolve(ctx, keys.Ref{Text: secret.New(text)})
}

func mustResolve(tb testing.TB, text string) keys.Key {
	tb.Helper()
	k, err := resolve(tb.Context(), text)
	if err != nil {
		tb.Fatal(err)
	}
	wantSecretsFound(tb, text, k)
	return k
}

// wantSecretsFound checks that the search for secrets finds the private number of
// a key that was read from text, whatever form the text has. The primes of an RSA
// key may be missing in it.
func wantSecretsFound(tb testing.TB, text string, k keys.Key) {
	tb.Helper()
	secrets := keys.Ref{Text: secret.New(text)}.Secrets()
	var jwk object
	if err := json.Unmarshal(must(keys.PrivateJWK(k, keys.JWKMeta{})).Reveal(), &jwk); err != nil {
		tb.Fatal(err)
	}
	for _, name := range []string{"d", "k", "priv"} {
		if number, ok := jwk[name].(string); ok && !secrets.In(number) {
			tb.Errorf("%s of the key (%s) is not found", name, keys.KindOf(k))
		}
	}
}

// wantReason checks the reason and the rules for every error.
func wantReason(tb testing.TB, err, reason error) {
	tb.Helper()
	if !errors.Is(err, reason) {
		tb.Errorf("got %v, want the reason %q", err, reason)
		return
	}
	_ = refusalOf(tb, err)
}

// refusalOf returns the fault.Error of err.
func refusalOf(tb testing.TB, err error) *fault.Error {
	tb.Helper()
	refusal, ok := errors.AsType[*fault.Error](err)
	if !ok || refusal.Found == "" || refusal.Hint == "" {
		tb.Errorf("%v does not say what was found and what to do", err)
		return &fault.Error{}
	}
	return refusal
}

// edition returns the options of the edition under test: in the native one
// OpenSSL signs with RSA keys that the cache keeps.
func edition() keys.ParserOptions {
	lib, err := openssl.Load()
	if err != nil {
		return keys.ParserOptions{}
	}
	return keys.ParserOptions{CacheSize: 1, RSA: lib.RSA}
}
