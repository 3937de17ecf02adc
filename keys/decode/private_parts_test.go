package decode

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/exposure"
)

// privateNumbers returns what a private key keeps secret, whatever text it was
// read from.
func privateNumbers(tb testing.TB, private any) [][]byte {
	tb.Helper()
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return [][]byte{p.D.Bytes(), p.Primes[0].Bytes(), p.Primes[1].Bytes()}
	case RSAPSS:
		return privateNumbers(tb, p.Key)
	case *ecdsa.PrivateKey:
		d, err := p.Bytes()
		if err != nil {
			tb.Fatal(err)
		}
		return [][]byte{d}
	case *secp256k1.PrivateKey:
		return [][]byte{p.Serialize()}
	case ed25519.PrivateKey:
		return [][]byte{p.Seed()}
	case *mldsa.PrivateKey:
		return [][]byte{p.Bytes()}
	case HMACSecret:
		return [][]byte{p}
	}
	tb.Fatalf("what is private in a %T?", private)
	return nil
}

// wantFound checks that the search for key material finds every number of a
// private key that was read from text without a password.
func wantFound(tb testing.TB, text string, private any) {
	tb.Helper()
	secrets := exposure.New(PrivateParts(text))
	for i, number := range privateNumbers(tb, private) {
		if len(number) >= exposure.MinRun && !secrets.In(base64.RawURLEncoding.EncodeToString(number)) {
			tb.Errorf("number %d of the key (%T) is not found", i, private)
		}
	}
}

func TestEveryKeyThatIsReadIsFound(t *testing.T) {
	texts := map[string]string{}
	for _, folder := range []string{"keys", "rfc7520"} {
		entries, err := os.ReadDir(filepath.Join("..", "testdata", folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			texts[e.Name()] = keyFile(t, filepath.Join("..", folder, e.Name()))
		}
	}
	texts["a service account"] = jsonText(t, map[string]any{"type": "service_account", "private_key": keyFile(t, "rsa.pkcs8.pem")})
	read := 0
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			k, err := Private(t.Context(), text, secret.Text{})
			if err != nil {
				t.Skip("not read without a password")
			}
			wantFound(t, text, k.Private)
			read++
		})
	}
	if read < 30 {
		t.Errorf("%d keys were read", read)
	}
}

// A form of a key that is read one day need not be named by the search.
func TestTheStringsOfAnyJSONArePrivate(t *testing.T) {
	text := keyFile(t, "p256.pkcs8.pem")
	block, _ := pem.Decode([]byte(text))
	k, _, err := readKey(t, text, "")
	if err != nil {
		t.Fatal(err)
	}
	public, _ := pem.Decode([]byte(keyFile(t, "p256.public.pem")))
	d := privateNumbers(t, k)[0]
	for name, form := range map[string]any{
		"DER":                            map[string]any{"pkcs8": base64.StdEncoding.EncodeToString(block.Bytes)},
		"DER in base64url":               map[string]any{"pkcs8": base64.RawURLEncoding.EncodeToString(block.Bytes)},
		"PEM":                            map[string]any{"key": text},
		"PEM, and a name that is public": map[string]any{"kid": text},
		"a number":                       map[string]any{"scalar": base64.StdEncoding.EncodeToString(d)},
		"an inner object":                map[string]any{"app": map[string]any{"auth": map[string]any{"key": base64.RawURLEncoding.EncodeToString(d)}}},
		"a list":                         map[string]any{"keys": []any{[]any{base64.RawURLEncoding.EncodeToString(d)}}},
	} {
		t.Run(name, func(t *testing.T) {
			written := jsonText(t, form)
			for _, text := range []string{written, "\ufeff " + written} {
				wantFound(t, text, k)
				if exposure.New(PrivateParts(text)).In(base64.StdEncoding.EncodeToString(public.Bytes)) {
					t.Error("the public half counts as private")
				}
			}
		})
	}
	if secrets := exposure.New(PrivateParts(`{"passphrase":"correct horse battery staple"}`)); !secrets.In("horse battery staple and correct horse battery st") {
		t.Error("words are not found")
	}
}

// A JWK may say more about its key (RFC 7517 §4), which claims may say too.
func TestOtherMembersOfAJWKAreNotPrivate(t *testing.T) {
	secrets := exposure.New(PrivateParts(`{"kty":"oct","k":"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE","tenant":"acme-prod-1","note":"rotated every ninety days by the platform"}`))
	for _, text := range []string{"acme-prod-1", "rotated every ninety days by the platform"} {
		if secrets.In(text) {
			t.Errorf("%q counts as private", text)
		}
	}
	if !secrets.In("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE") {
		t.Error("k is not found")
	}
}

func jsonText(tb testing.TB, v any) string {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}
