package verifier_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"conductor-jwt/internal/secret"
	"conductor-jwt/policy"
	"conductor-jwt/signer"
	"conductor-jwt/verifier"
)

func TestATokenIsHeldAgainstTheRulesOfItsVerifier(t *testing.T) {
	const text = `verifiers: {ci: {issuer: "` + issuerURL + `", audiences: [api, other], algorithms: [ES256, EdDSA], types: [JWT], leeway: 30s, max_age: 10m}}`
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, text)
		now := time.Now().Unix()
		claims := func(changes string) string {
			return fmt.Sprintf(`{"iss":%q,"aud":["other"],"sub":"s","iat":%d,"exp":%d%s}`, issuerURL, now, now+60, changes)
		}
		for name, row := range map[string]struct {
			claims string
			reason error
		}{
			"as expected":          {claims(""), nil},
			"expired, in leeway":   {fmt.Sprintf(`{"iss":%q,"aud":"api","iat":%d,"exp":%d}`, issuerURL, now, now-29), nil},
			"expired":              {fmt.Sprintf(`{"iss":%q,"aud":"api","iat":%d,"exp":%d}`, issuerURL, now, now-30), signer.ErrExpired},
			"without exp":          {fmt.Sprintf(`{"iss":%q,"aud":"api","iat":%d}`, issuerURL, now), signer.ErrNoExpiry},
			"too old":              {fmt.Sprintf(`{"iss":%q,"aud":"api","iat":%d,"exp":%d}`, issuerURL, now-700, now+60), signer.ErrTooOld},
			"of another issuer":    {fmt.Sprintf(`{"iss":"x","aud":"api","iat":%d,"exp":%d}`, now, now+60), signer.ErrIssuer},
			"for another audience": {fmt.Sprintf(`{"iss":%q,"aud":"x","iat":%d,"exp":%d}`, issuerURL, now, now+60), signer.ErrAudience},
		} {
			err := r.verify(signClaims(t, i.keys[0], row.claims))
			if row.reason == nil && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if row.reason != nil {
				wantInvalid(t, err, row.reason)
			}
		}
		token := secret.New(signClaims(t, i.keys[0], claims("")))
		if _, err := r.Verify(t.Context(), verifier.Request{Verifier: "ci", Token: token, Subject: "x"}); !errors.Is(err, signer.ErrSubject) {
			t.Errorf("another subject: %v", err)
		}
		required := []signer.RequiredClaim{{Name: "missing"}}
		if _, err := r.Verify(t.Context(), verifier.Request{Verifier: "ci", Token: token, Required: required}); !errors.Is(err, signer.ErrRequired) {
			t.Errorf("a required claim: %v", err)
		}
		if _, err := r.Verify(t.Context(), verifier.Request{Verifier: "c", Token: token}); !errors.Is(err, verifier.ErrUnknown) {
			t.Errorf("an unknown verifier: %v", err)
		}
	})
}

// All faults of the claims are told, and no text of the token.
func TestEveryFaultIsTold(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, i, policyText)
	err := r.verify(signClaims(t, i.keys[0], `{"iss":"CANARY","aud":"CANARY"}`))
	e, ok := errors.AsType[*verifier.Invalid](err)
	if !ok || len(e.Faults) != 3 || strings.Contains(err.Error(), "CANARY") {
		t.Fatalf("%v", err)
	}
	for n, want := range []string{"iss", "aud", "exp"} {
		if e.Faults[n].Field != want {
			t.Errorf("fault %d is about %s, want %s", n, e.Faults[n].Field, want)
		}
	}
}

func TestAReloadKeepsTheSetsOfUnchangedVerifiers(t *testing.T) {
	const changed = `verifiers: {ci: {issuer: "` + issuerURL + `", audiences: [api, more], algorithms: [ES256], leeway: 5s}, other: {issuer: "https://o.example", audiences: a, algorithms: RS256}}`
	const moved = `verifiers: {ci: {issuer: "` + issuerURL + `", audiences: [api], algorithms: [ES256], jwks: "` + issuerURL + `/keys"}}`
	i := newIssuer(t)
	r := newRig(t, i, policyText)
	token := sign(t, i.keys[0])
	for _, step := range []struct {
		text    string
		fetches int
	}{{policyText, 1}, {policyText, 1}, {changed, 1}, {moved, 2}, {moved, 2}, {policyText, 3}} {
		r.reload(step.text)
		if err := r.verify(token); err != nil || i.fetches() != step.fetches {
			t.Errorf("%s:\n%d fetches, %v; want %d", step.text, i.fetches(), err, step.fetches)
		}
	}
	r.reload("inline: allow")
	if _, err := r.Verify(t.Context(), verifier.Request{Verifier: "ci", Token: secret.New(token)}); !errors.Is(err, verifier.ErrUnknown) {
		t.Errorf("a verifier that was removed: %v", err)
	}
}

// fileSet writes a set with a secret of HMAC and returns its key.
func fileSet(t *testing.T, path, kid string) jose.JSONWebKey {
	t.Helper()
	key := jose.JSONWebKey{Key: bytes.Repeat([]byte(kid), 32), KeyID: kid, Algorithm: "HS256"}
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return key
}

func TestASetInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	text := `verifiers: {ci: {issuer: "` + issuerURL + `", audiences: [api], algorithms: [HS256], jwks: "file://` + path + `"}}`
	now := time.Now()
	i := newIssuer(t)
	key := fileSet(t, path, "k")
	r := newRig(t, i, text)
	r.options.Now = func() time.Time { return now }
	r.Verifiers = nil
	r.reload(text)
	token := sign(t, key, "kid", "k")
	if err := r.verify(token); err != nil {
		t.Fatal(err)
	}
	next := sign(t, fileSet(t, path, "n"), "kid", "n")
	if err := r.verify(next); err != nil {
		t.Errorf("after the file changed: %v", err)
	}
	wantInvalid(t, r.verify(token), verifier.ErrKey)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if err := r.verify(next); err != nil {
		t.Errorf("after the file is gone: %v", err)
	}
	now = now.Add(24 * time.Hour)
	wantUnavailable(t, r.verify(next), "there is no such file")
	if len(i.requests()) != 0 {
		t.Errorf("requests %v", i.requests())
	}
}

func TestASetInAFileIsReadAtTheStart(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"none.json": "{}", "long.json": strings.Repeat(" ", 256<<10+1)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"missing.json": "policy.yaml:1:13: jwks: the file of the JWK Set cannot be read: there is no such file", "none.json": "JWK Set cannot be used", "long.json": "longer than 256 KiB",
	} {
		text := `verifiers: {ci: {issuer: i, audiences: [api], algorithms: [HS256], jwks: "file://` + filepath.Join(folder, name) + `"}}`
		_, err := verifier.New(t.Context(), newRig(t, newIssuer(t), policyText).options, readPolicy(t, text), nil)
		if e, ok := errors.AsType[*policy.Error](err); !ok || !strings.Contains(e.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestMetricsOfVerifiers(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, i, policyText)
	if n := testutil.CollectAndCount(r.options.Metrics, "conductor_jwt_verify_total", "conductor_jwt_jwks_fetch_total"); n != 3+3+5 {
		t.Errorf("%d series before the first token", n)
	}
	token := sign(t, i.keys[0])
	i.fail(errors.New("away"))
	_ = r.verify(token)
	i.fail(nil)
	r.Verifiers = nil // forgets the failure
	r.reload(policyText)
	for _, token := range []string{token, token, "x"} {
		_ = r.verify(token)
	}
	want := `
# HELP conductor_jwt_verify_total Tokens of VERIFY_JWT tasks.
# TYPE conductor_jwt_verify_total counter
conductor_jwt_verify_total{outcome="invalid",verifier="(inline)"} 0
conductor_jwt_verify_total{outcome="invalid",verifier="ci"} 1
conductor_jwt_verify_total{outcome="unavailable",verifier="(inline)"} 0
conductor_jwt_verify_total{outcome="unavailable",verifier="ci"} 1
conductor_jwt_verify_total{outcome="valid",verifier="(inline)"} 0
conductor_jwt_verify_total{outcome="valid",verifier="ci"} 2
# HELP conductor_jwt_jwks_fetch_total Fetches of a JWK Set.
# TYPE conductor_jwt_jwks_fetch_total counter
conductor_jwt_jwks_fetch_total{outcome="address",verifier="ci"} 0
conductor_jwt_jwks_fetch_total{outcome="invalid",verifier="ci"} 0
conductor_jwt_jwks_fetch_total{outcome="ok",verifier="ci"} 1
conductor_jwt_jwks_fetch_total{outcome="status",verifier="ci"} 0
conductor_jwt_jwks_fetch_total{outcome="unreachable",verifier="ci"} 1
`
	if err := testutil.CollectAndCompare(r.options.Metrics, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	r.reload("inline: allow")
	if n := testutil.CollectAndCount(r.options.Metrics); n != 3 {
		t.Errorf("%d series after the verifier was removed", n)
	}
}
