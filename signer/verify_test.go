package signer_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
	"conductor-jwt/test/josetoken"
)

// signedBy returns a token of a payload that need not be an object.
func signedBy(t *testing.T, key *testKey, alg jose.SignatureAlgorithm, typ, payload string) string {
	t.Helper()
	return josetoken.Sign(t, alg, key.private, payload, "typ", typ)
}

func verify(t *testing.T, token string, v keys.Verifier, rules signer.Rules) error {
	t.Helper()
	p, err := signer.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	return signer.Verify(p, v, rules)
}

// RFC 7515 appendix A.1, which is also RFC 7519 §3.1.
func TestRFC7515A1(t *testing.T) {
	const token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
		".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	secret, err := base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	if err != nil {
		t.Fatal(err)
	}
	key := hmacKey(secret, keys.HS256)
	rules := signer.Rules{Now: time.Unix(1300819379, 999), Issuer: "joe"}
	if err := verify(t, token, key, rules); err != nil {
		t.Errorf("a second before exp: %v", err)
	}
	rules.Now = time.Unix(1300819380, 0)
	if err := verify(t, token, key, rules); !errors.Is(err, signer.ErrExpired) {
		t.Errorf("at the second of exp: %v", err)
	}
	if err := verify(t, token, hmacKey(secret[1:], keys.HS256), rules); !errors.Is(err, signer.ErrSignature) || errors.Is(err, signer.ErrExpired) {
		t.Errorf("with another key: %v", err)
	}
}

func TestKeySelectsAlgorithm(t *testing.T) {
	secret := make([]byte, 64)
	open := hmacKey(secret, keys.HS256, keys.HS384, keys.HS512)
	rules := signer.Rules{IgnoreExpiry: true}
	token := signedBy(t, open, jose.HS256, "", `{}`)
	for name, c := range map[string]struct {
		key    *testKey
		only   []keys.Algorithm
		reason error
	}{
		"the key fits one":          {hmacKey(secret, keys.HS256), nil, nil},
		"the key fits several":      {open, nil, signer.ErrAlgorithmAmbiguous},
		"one of them is expected":   {open, []keys.Algorithm{keys.HS256}, nil},
		"another is expected":       {open, []keys.Algorithm{keys.HS512}, signer.ErrAlgorithm},
		"one of two expected fits":  {hmacKey(secret, keys.HS256), []keys.Algorithm{keys.RS256, keys.HS256}, nil},
		"two expected ones fit":     {open, []keys.Algorithm{keys.HS256, keys.HS512}, signer.ErrAlgorithmAmbiguous},
		"the key does not have it":  {hmacKey(secret, keys.HS256), []keys.Algorithm{keys.RS256}, signer.ErrAlgorithm},
		"the key is of another one": {hmacKey(secret, keys.HS512), nil, signer.ErrAlgorithm},
		"the key is of a curve":     {ecKey(t), nil, signer.ErrAlgorithm},
	} {
		rules.Algorithms = c.only
		if err := verify(t, token, c.key, rules); !errors.Is(err, c.reason) {
			t.Errorf("%s: err = %v, want %v", name, err, c.reason)
		}
	}
	rules.Algorithms = nil
	if err := verify(t, signedBy(t, edKey(), jose.EdDSA, "", `{}`), edKey(), rules); err != nil {
		t.Errorf("two names of one algorithm are not open: %v", err)
	}
}

func TestOneAlgorithm(t *testing.T) {
	for want, lists := range map[bool][][]keys.Algorithm{
		true:  {{keys.RS256}, {keys.EdDSA}, {keys.EdDSA, keys.Ed25519}, {keys.Ed25519, keys.EdDSA}},
		false: {{keys.RS256, keys.PS256}, {keys.EdDSA, keys.RS256}, {keys.RS256, keys.Ed25519}},
	} {
		for _, list := range lists {
			if got := signer.OneAlgorithm(list); got != want {
				t.Errorf("%v: %t", list, got)
			}
		}
	}
}

func TestDERSignatureIsNamed(t *testing.T) {
	key := ecKey(t)
	private, _ := key.private.(*ecdsa.PrivateKey)
	input := b64(`{"alg":"ES256"}`) + "." + b64(`{}`)
	sum := sha256.Sum256([]byte(input))
	der, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		signature []byte
		found     string
	}{
		"in DER":                  {der, "the ECDSA signature is in DER"},
		"in DER with more behind": {append(slices.Clip(der), 0), "it does not verify with this key"},
		"of another length":       {make([]byte, 63), "it does not verify with this key"},
	} {
		err := verify(t, input+"."+base64.RawURLEncoding.EncodeToString(c.signature), key, signer.Rules{})
		if refusal, ok := errors.AsType[*fault.Error](err); !ok || refusal.Found != c.found || !errors.Is(err, signer.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
