package keys_test

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"fmt"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func TestAPublicSetIsChosenFromByKidAlgorithmAndType(t *testing.T) {
	ec := ecJWK(elliptic.P256(), "P-256").with("kid", "a").without("d")
	ed := ed25519JWK().with("kid", "a").without("d")
	other := ecJWK(elliptic.P256(), "P-256").with("kid", "b").without("d")
	private := ecJWK(elliptic.P256(), "P-256").with("kid", "p")
	hmac := object{"kty": "oct", "kid": "h", "k": b64(bytes.Repeat([]byte("k"), 32))}
	broken := other.with("kid", "x").with("y", b64(make([]byte, 32)))
	for _, c := range []struct {
		name    string
		set     []any
		secrets bool
		kid     string
		alg     keys.Algorithm
		want    string // kid and default algorithm
		reason  error
	}{
		{"by kid", []any{ec, other}, false, "b", keys.ES256, "b ES256", nil},
		{"by the type, of two with a kid", []any{ec, ed}, false, "a", keys.EdDSA, "a EdDSA", nil},
		{"by an unknown kid", []any{ec, other}, false, "c", keys.ES256, "", keys.ErrAmbiguous},
		{"by none of two kids", []any{ec, other}, false, "", keys.ES256, "", keys.ErrAmbiguous},
		{"the only one without a kid", []any{ec.without("kid")}, false, "c", keys.ES256, " ES256", nil},
		{"beside a broken one", []any{broken, other}, false, "b", keys.ES256, "b ES256", nil},
		{"the broken one", []any{broken, other}, false, "x", keys.ES256, "", keys.ErrInconsistent},
		{"a private key", []any{private}, false, "p", keys.ES256, "", keys.ErrUnsupported},
		{"a private key, where secrets are used", []any{private}, true, "p", keys.ES256, "", keys.ErrUnsupported},
		{"a secret", []any{hmac}, false, "h", keys.HS256, "", keys.ErrUnsupported},
		{"a secret, where they are used", []any{hmac}, true, "h", keys.HS256, "h HS256", nil},
		{"from none", []any{}, false, "a", keys.ES256, "", keys.ErrAmbiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := keys.ReadPublicSet([]byte(object{"keys": c.set}.text(t)), c.secrets)
			if err != nil || set.Len() != len(c.set) {
				t.Fatalf("%d keys, %v", set.Len(), err)
			}
			v, err := set.Choose(c.kid, c.alg)
			if c.reason != nil {
				wantReason(t, err, c.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s %s", v.ID(), v.Algorithms()[0]); got != c.want {
				t.Errorf("chose %q, want %q", got, c.want)
			}
		})
	}
	unknown, _ := errors.AsType[*keys.SetError](chooseOf(t, []any{ec}, "c"))
	if unknown == nil || !unknown.Unknown {
		t.Errorf("an unknown kid is not told: %v", unknown)
	}
}

const maxSet = 256

func chooseOf(t *testing.T, set []any, kid string) error {
	t.Helper()
	s, err := keys.ReadPublicSet([]byte(object{"keys": set}.text(t)), false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Choose(kid, keys.ES256)
	return err
}

func TestAPublicSetIsRefused(t *testing.T) {
	list := func(n int) string {
		return `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{"kty":"EC"},`, n), ",") + `]}`
	}
	for name, c := range map[string]struct {
		text   string
		reason error
	}{
		"a JWK":                {`{"kty":"oct","k":"AAAA"}`, keys.ErrUnreadable},
		"another object":       {`{"issuer":"x"}`, keys.ErrUnreadable},
		"a page":               {"<html>", keys.ErrUnreadable},
		"nothing":              {"", keys.ErrUnreadable},
		"keys of another type": {`{"keys":{"a":1}}`, keys.ErrUnreadable},
		"a member twice":       {`{"keys":[{"kty":"EC","kty":"OKP"}]}`, keys.ErrUnreadable},
		"257 keys":             {list(maxSet + 1), keys.ErrTooLarge},
		"10,000 keys":          {list(10_000), keys.ErrTooLarge},
	} {
		if _, err := keys.ReadPublicSet([]byte(c.text), true); !errors.Is(err, c.reason) {
			t.Errorf("%s: %v, want %v", name, err, c.reason)
		}
	}
	if s, err := keys.ReadPublicSet([]byte(list(maxSet)), false); err != nil || s.Len() != maxSet {
		t.Errorf("%d keys: %v", s.Len(), err)
	}
}

func TestAPublicKeyOfATaskIsRead(t *testing.T) {
	jwk := ecJWK(elliptic.P256(), "P-256").with("kid", "k")
	public := jwk.without("d")
	for name, c := range map[string]struct {
		text   string
		reason error
	}{
		"pem":                     {pemFile(t, "p256.public.pem"), nil},
		"a certificate":           {pemFile(t, "p256.crt"), nil},
		"a JWK":                   {public.text(t), nil},
		"a JWKS":                  {object{"keys": []any{public, ed25519JWK().without("d")}}.text(t), nil},
		"a private key in PEM":    {pemFile(t, "p256.pkcs8.pem"), keys.ErrUnsupported},
		"a private jwk":           {jwk.text(t), keys.ErrUnsupported},
		"a private key in a jwks": {object{"keys": []any{jwk}}.text(t), keys.ErrUnsupported},
		"a secret":                {octJWK(32).text(t), keys.ErrUnsupported},
		"a secret in a jwks":      {object{"keys": []any{octJWK(32)}}.text(t), keys.ErrUnsupported},
		"a token":                 {"eyJhbGciOiJIUzI1NiJ9.e30.AAAA", keys.ErrUnreadable},
		"too much text":           {strings.Repeat(" ", 70_000), keys.ErrTooLarge},
		"none":                    {`{"keys":[]}`, keys.ErrAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := keys.ReadForeign(t.Context(), keys.Ref{Text: secret.New(c.text), KeyID: "k", Algorithm: keys.ES256})
			if c.reason != nil {
				wantReason(t, err, c.reason)
				return
			}
			if err != nil || v.Algorithms()[0] != keys.ES256 {
				t.Errorf("%v, %v", v, err)
			}
		})
	}
}
