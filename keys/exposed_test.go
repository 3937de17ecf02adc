package keys_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/decode"
)

// A secret that repeats itself is searched another way, to the same end.
func TestARepetitiveSecretIsFound(t *testing.T) {
	for name, words := range map[string]string{
		"one letter":            strings.Repeat("A", 400),
		"one word":              strings.Repeat("hunter2-", 60),
		"one word, and an end":  strings.Repeat("hunter2-hunter3-", 40) + "the very end of the secret",
		"a beginning, and more": "the very beginning of it " + strings.Repeat("hunter2-hunter3-", 40),
	} {
		ref := keys.Ref{Text: secret.New(words), Encoding: keys.EncodingRaw}
		for from := 0; from+24 <= len(words); from += 7 {
			run := words[from : from+24]
			if !ref.Secrets().In("say: " + run + "!") {
				t.Errorf("%s: 24 characters from %d are not found", name, from)
			}
			if !ref.Secrets().In(run) {
				t.Errorf("%s: 24 characters from %d are not found alone", name, from)
			}
		}
		if !ref.Secrets().In(base64.StdEncoding.EncodeToString([]byte("x" + words))) {
			t.Errorf("%s: not found in base64", name)
		}
		if ref.Secrets().In("nothing of the kind, only a text as any other") {
			t.Errorf("%s: found where it is not", name)
		}
	}
}

// A secret of 24 characters has one run only.
func TestASecretOfExactly24CharactersIsFound(t *testing.T) {
	const words = "correct-horse-battery-st"
	if len(words) != 24 {
		t.Fatal(len(words))
	}
	for name, ref := range map[string]keys.Ref{
		"a raw secret": {Text: secret.New(words), Encoding: keys.EncodingRaw},
		"a password":   {Text: secret.New(pemFile(t, "rsa.pbes2.pem")), Password: secret.New(words)},
	} {
		for _, text := range []string{words, "x" + words, words + "x", "so: " + words + ", and more"} {
			if !ref.Secrets().In(text) {
				t.Errorf("%s: not found in %d characters", name, len(text))
			}
		}
		for _, text := range []string{words[:23] + "X", "X" + words[1:]} {
			if ref.Secrets().In("so: " + text) {
				t.Errorf("%s: found in a text that differs", name)
			}
		}
	}
}

// A piece of a JWK is found wherever it is cut, and whatever stands between.
func TestAPieceOfAJWKIsFound(t *testing.T) {
	none := keys.Ref{Text: secret.New(ecJWK(elliptic.P256(), "P-256").text(t))}
	for text, want := range map[string]bool{
		`{"kty":"EC","a":{"b":1},"d":"AA"}`:         true,
		`"kty":"EC","a":{"b":1},"d":"AA"`:           true,
		`"kty":"EC","a":{},"b":{},"d":"AA"`:         true,
		`"kty":"EC","a":{"b":{"c":{}}},"d":"AA"}`:   true,
		`"kty":"EC"},{"d":"AA"`:                     false,
		`}"kty":"EC","d":"AA"`:                      true,
		`}}}"d":"AA","kty":"oct"`:                   true,
		`"kty":"EC","a":{"d":"AA"}`:                 false,
		`{"a":{"kty":"EC"},"d":"AA"}`:               false,
		`"kty":"EC","d":7`:                          false,
		`"kty":"oct","k":"AA"`:                      true,
		`"kty":"AKP","priv":"AA"`:                   true,
		`"kty":"AKP","priva":"AA"`:                  false,
		`"kty":"RSA","n":"AA","e":"AQAB"`:           false,
		`"kty":"RSA","p":"AA"`:                      true,
		`"kty":"RSA","dp":"AA"`:                     true,
		`"kty":"RSA","qi":"AA"`:                     true,
		`-----BEGIN PRIVATE`:                        false,
		`-----BEGIN RSA PRIVATE KEY`:                true,
		`-----BEGIN CERTIFICATE-----`:               false,
		`-----BEGIN X----------BEGIN PRIVATE KEY--`: true,
	} {
		if got := none.Secrets().In(text); got != want {
			t.Errorf("%s: exposes %t", text, got)
		}
	}
}

// Keys of another purpose beside the signing key do not disturb it.
func TestAJWKSWithAKeyForEncryption(t *testing.T) {
	sign := ecJWK(elliptic.P256(), "P-256").with("kid", "s")
	encrypt := rsaJWK(sharedRSA()).with("kid", "e").with("alg", "RSA-OAEP")
	for _, set := range [][]any{{sign, encrypt}, {encrypt, sign}} {
		if k := mustResolve(t, object{"keys": set}.text(t)); k.ID() != "s" {
			t.Errorf("chose %q", k.ID())
		}
	}
	_, err := resolve(t.Context(), object{"keys": []any{encrypt}}.text(t))
	wantReason(t, err, keys.ErrAlgorithmMismatch)
}

func TestTheLengthOfAnX5C(t *testing.T) {
	k := mustResolve(t, pemFile(t, "p256.pkcs8.pem"))
	open := strings.TrimSuffix(string(must(keys.PrivateJWK(k, keys.JWKMeta{})).Reveal()), "}")
	for n, want := range map[int]error{0: nil, 1: nil, decode.MaxChain: nil, decode.MaxChain + 1: keys.ErrUnreadable} {
		list := strings.TrimSuffix(strings.Repeat(`"`+certificateFile(t)+`",`, n), ",")
		got, err := resolve(t.Context(), open+`,"x5c":[`+list+`]}`)
		if want != nil {
			wantReason(t, err, want)
			continue
		}
		if c, ok := got.(keys.Chained); err != nil || !ok || len(c.Chain()) != n {
			t.Errorf("%d certificates: %v", n, err)
		}
	}
}
