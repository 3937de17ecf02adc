package signer_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// signedBy makes a token with go-jose, so that reading is not tested with what
// writing believes.
func signedBy(t *testing.T, key *testKey, alg jose.SignatureAlgorithm, typ, payload string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key.private}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func verify(t *testing.T, token string, v signer.Verifier, rules signer.Rules) error {
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

const now = 1_700_000_000

func TestClaims(t *testing.T) {
	key := edKey()
	good := signer.Rules{Issuer: "I", Audience: "A", Subject: "S", Type: "at+jwt", MaxAge: time.Minute}
	const base = `"iss":"I","aud":["B","A"],"sub":"S","iat":1699999990,"exp":1700000010`
	for name, c := range map[string]struct {
		typ, payload string
		change       func(*signer.Rules)
		reasons      []error
	}{
		"all as expected":              {"at+jwt", "{" + base + "}", nil, nil},
		"typ written in full":          {"application/AT+JWT", "{" + base + "}", nil, nil},
		"exp as a fraction":            {"at+jwt", `{"iss":"I","aud":"A","sub":"S","iat":1.69999999e9,"exp":1700000000.5}`, nil, nil},
		"exp in exponent form":         {"at+jwt", `{"iss":"I","aud":"A","sub":"S","iat":1699999990,"exp":4.1024448e+09}`, nil, nil},
		"a fraction expired":           {"at+jwt", `{"iss":"I","aud":"A","sub":"S","iat":1699999990,"exp":1699999999.5}`, nil, []error{signer.ErrExpired}},
		"all faults at once":           {"x", `{"iss":"i","aud":"a","sub":"s","iat":1600000000,"nbf":1700000001,"exp":1700000000}`, nil, []error{signer.ErrIssuer, signer.ErrAudience, signer.ErrSubject, signer.ErrTokenType, signer.ErrTooOld, signer.ErrNotYet, signer.ErrExpired}},
		"nothing there":                {"", `{}`, nil, []error{signer.ErrIssuer, signer.ErrAudience, signer.ErrSubject, signer.ErrTokenType, signer.ErrIssuedAt, signer.ErrNoExpiry}},
		"nothing there, none expected": {"", `{}`, func(r *signer.Rules) { *r = signer.Rules{NoExpiry: true} }, nil},
		"claims of wrong types":        {"", `{"iss":1,"aud":[1],"sub":null,"jti":{},"iat":"1","nbf":true,"exp":"1700000010"}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp in milliseconds":          {"", `{"exp":1700000010000000}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp beyond any number":        {"", `{"exp":1e999999}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp zero":                     {"", `{"exp":0}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrExpired}},
		"exp null":                     {"", `{"exp":null}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrClaimType}},
		"exp negative":                 {"", `{"exp":-1}`, func(r *signer.Rules) { *r = signer.Rules{} }, []error{signer.ErrExpired}},
		"expired, not looked at":       {"", `{"exp":1}`, func(r *signer.Rules) { *r = signer.Rules{IgnoreExp: true} }, nil},
		"expired within the leeway":    {"", `{"exp":1699999990}`, func(r *signer.Rules) { *r = signer.Rules{Leeway: 11 * time.Second} }, nil},
		"expired at its end":           {"", `{"exp":1699999990}`, func(r *signer.Rules) { *r = signer.Rules{Leeway: 10 * time.Second} }, []error{signer.ErrExpired}},
		"nbf now":                      {"", `{"exp":1700000010,"nbf":1700000000}`, func(r *signer.Rules) { *r = signer.Rules{} }, nil},
		"nbf within the leeway":        {"", `{"exp":1700000010,"nbf":1700000005}`, func(r *signer.Rules) { *r = signer.Rules{Leeway: 5 * time.Second} }, nil},
		"iat in the future":            {"", `{"exp":1700000010,"iat":1700000005}`, func(r *signer.Rules) { *r = signer.Rules{MaxAge: time.Second} }, []error{signer.ErrIssuedAt}},
		"iat in the future, no age":    {"", `{"exp":1700000010,"iat":1700000005}`, func(r *signer.Rules) { *r = signer.Rules{} }, nil},
		"an empty audience list":       {"", `{"exp":1700000010,"aud":[]}`, func(r *signer.Rules) { *r = signer.Rules{Audience: "A"} }, []error{signer.ErrAudience}},
		"aud is not a substring":       {"", `{"exp":1700000010,"aud":"AA"}`, func(r *signer.Rules) { *r = signer.Rules{Audience: "A"} }, []error{signer.ErrAudience}},
		"iss in another case":          {"", `{"exp":1700000010,"iss":"i"}`, func(r *signer.Rules) { *r = signer.Rules{Issuer: "I"} }, []error{signer.ErrIssuer}},
	} {
		t.Run(name, func(t *testing.T) {
			rules := good
			if c.change != nil {
				c.change(&rules)
			}
			rules.Now = time.Unix(now, 0)
			err := verify(t, signedBy(t, key, jose.EdDSA, c.typ, c.payload), key, rules)
			if len(c.reasons) == 0 && err != nil {
				t.Fatal(err)
			}
			for _, reason := range c.reasons {
				if !errors.Is(err, reason) {
					t.Errorf("%v is not among: %v", reason, err)
				}
			}
		})
	}
}

func TestEveryFaultOfTypeIsNamed(t *testing.T) {
	key := edKey()
	err := verify(t, signedBy(t, key, jose.EdDSA, "", `{"iss":1,"aud":{},"sub":null,"jti":0,"iat":"1","nbf":true,"exp":[]}`), key, signer.Rules{})
	for _, claim := range []string{"iss", "aud", "sub", "jti", "iat", "nbf", "exp"} {
		if err == nil || !strings.Contains(err.Error(), claim+": ") {
			t.Errorf("%s is not named: %v", claim, err)
		}
	}
}

func TestTheKeyDecidesOnTheAlgorithm(t *testing.T) {
	secret := make([]byte, 64)
	open := hmacKey(secret, keys.HS256, keys.HS384, keys.HS512)
	rules := signer.Rules{NoExpiry: true}
	token := signedBy(t, open, jose.HS256, "", `{}`)
	for name, c := range map[string]struct {
		key    *testKey
		only   keys.Algorithm
		reason error
	}{
		"the key fits one":          {hmacKey(secret, keys.HS256), "", nil},
		"the key fits several":      {open, "", signer.ErrAlgorithmOpen},
		"one of them is expected":   {open, keys.HS256, nil},
		"another is expected":       {open, keys.HS512, signer.ErrAlgorithm},
		"the key does not have it":  {hmacKey(secret, keys.HS256), keys.RS256, signer.ErrAlgorithm},
		"the key is of another one": {hmacKey(secret, keys.HS512), "", signer.ErrAlgorithm},
		"the key is of a curve":     {ecKey(t), "", signer.ErrAlgorithm},
	} {
		rules.Algorithm = c.only
		if err := verify(t, token, c.key, rules); !errors.Is(err, c.reason) {
			t.Errorf("%s: err = %v, want %v", name, err, c.reason)
		}
	}
	rules.Algorithm = ""
	if err := verify(t, signedBy(t, edKey(), jose.EdDSA, "", `{}`), edKey(), rules); err != nil {
		t.Errorf("two names of one algorithm are not open: %v", err)
	}
}
