package web_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/web"
)

type sets struct {
	set      keyring.Set
	complete bool
}

func (s sets) Set() keyring.Set { return s.set }

func (s sets) KeySet(name string) (keyring.Set, bool) { return s.set, name == "billing" }

func (s sets) IssuerSet(path string) (keyring.IssuerSet, bool) {
	i := keyring.IssuerSet{URL: "https://id.acme.com" + path, Path: path, Set: s.set}
	return i, path == "" || path == "/tenant/a"
}

func (s sets) Complete() bool { return s.complete }

func TestJWKSPages(t *testing.T) {
	full := sets{keyring.Set{
		Body: []byte(`{"keys":[{}]}`), Len: 1, ETag: `"tag"`, MaxAge: 90 * time.Second, Algorithms: []keys.Algorithm{keys.ES256, keys.RS256},
	}, true}
	const (
		metadata = `"id_token_signing_alg_values_supported":["ES256","RS256"],"response_types_supported":["id_token"],"subject_types_supported":["public"]}` + "\n"
		root     = `{"issuer":"https://id.acme.com","jwks_uri":"https://id.acme.com/jwks.json",` + metadata
		tenant   = `{"issuer":"https://id.acme.com/tenant/a","jwks_uri":"https://id.acme.com/tenant/a/jwks.json",` + metadata
	)
	none := sets{keyring.Set{Body: []byte(`{"keys":[]}`), ETag: `"none"`, MaxAge: 90 * time.Second}, false}
	for _, row := range []struct {
		s            sets
		method, path string
		ifNoneMatch  string
		status       int
		body         string
		cache        string
	}{
		{full, "GET", "/.well-known/jwks.json", "", 200, `{"keys":[{}]}`, "public, max-age=90"},
		{full, "HEAD", "/.well-known/jwks.json", "", 200, "", "public, max-age=90"},
		{full, "GET", "/.well-known/jwks.json", `"tag"`, 304, "", "public, max-age=90"},
		{full, "GET", "/.well-known/jwks.json", `"x", W/"tag"`, 304, "", "public, max-age=90"},
		{full, "GET", "/.well-known/jwks.json", `*`, 304, "", "public, max-age=90"},
		{full, "GET", "/.well-known/jwks.json", `"x"`, 200, `{"keys":[{}]}`, "public, max-age=90"},
		{full, "GET", "/keys/billing/jwks.json", "", 200, `{"keys":[{}]}`, "public, max-age=90"},
		{full, "GET", "/keys/other/jwks.json", "", 404, "no published key", "no-store"},
		{full, "GET", "/readyz", "", 200, "ready\n", "no-store"},
		{none, "GET", "/.well-known/jwks.json", "", 503, "no published key", "no-store"},
		{none, "GET", "/.well-known/jwks.json", `*`, 503, "no published key", "no-store"},
		{none, "GET", "/keys/billing/jwks.json", "", 503, "no published key", "no-store"},
		{none, "GET", "/readyz", "", 503, "not ready", "no-store"},
		{full, "GET", "/jwks.json", "", 200, `{"keys":[{}]}`, "public, max-age=90"},
		{full, "GET", "/tenant/a/jwks.json", "", 200, `{"keys":[{}]}`, "public, max-age=90"},
		{full, "GET", "/tenant/a/jwks.json", `"tag"`, 304, "", "public, max-age=90"},
		{full, "GET", "/.well-known/openid-configuration", "", 200, root, "public, max-age=90"},
		{full, "GET", "/.well-known/oauth-authorization-server", "", 200, root, "public, max-age=90"},
		{full, "GET", "/tenant/a/.well-known/openid-configuration", "", 200, tenant, "public, max-age=90"},
		{full, "GET", "/.well-known/oauth-authorization-server/tenant/a", "", 200, tenant, "public, max-age=90"},
		{full, "HEAD", "/.well-known/openid-configuration", "", 200, "", "public, max-age=90"},
		{full, "GET", "/.well-known/openid-configuration", keyring.ETag([]byte(root)), 304, "", "public, max-age=90"},
		{full, "GET", "/.well-known/openid-configuration", `"tag"`, 200, root, "public, max-age=90"}, // it is the set's
		{full, "GET", "/tenant/b/.well-known/openid-configuration", "", 404, "", "no-store"},
		{full, "GET", "/tenant/a/.well-known/openid-configuration/jwks.json", "", 404, "", "no-store"},
		{full, "GET", "/.well-known/openid-configuration/tenant/a", "", 404, "", "no-store"},
		{full, "GET", "/tenant/a/.well-known/oauth-authorization-server", "", 404, "", "no-store"},
		{full, "GET", "/.well-known/oauth-authorization-server/jwks.json", "", 404, "", "no-store"},
		{full, "GET", "/.well-known/oauth-authorization-server/tenant/a/jwks.json", "", 404, "", "no-store"},
		{full, "GET", "/tenant/a", "", 404, "", "no-store"},
		{full, "POST", "/.well-known/openid-configuration", "", 405, "", ""},
		{none, "GET", "/.well-known/openid-configuration", "", 503, "no published key", "no-store"},
		{none, "GET", "/jwks.json", "", 503, "no published key", "no-store"},
		{full, "POST", "/.well-known/jwks.json", "", 405, "", ""},
		{full, "GET", "/metrics", "", 404, "", "no-store"},
		{full, "GET", "/livez", "", 404, "", "no-store"},
		{full, "GET", "/", "", 404, "", "no-store"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), row.method, row.path, nil)
		if row.ifNoneMatch != "" {
			r.Header.Set("If-None-Match", row.ifNoneMatch)
		}
		w := httptest.NewRecorder()
		web.JWKSHandler(func() web.Published { return row.s }).ServeHTTP(w, r)
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.body) || row.body == "" && row.status < 400 && w.Body.Len() > 0 {
			t.Errorf("%s %s = %d %q, want %d %q", row.method, row.path, w.Code, w.Body, row.status, row.body)
		}
		if got := w.Header().Get("Cache-Control"); got != row.cache {
			t.Errorf("%s %s: cache-control %q, want %q", row.method, row.path, got, row.cache)
		}
		if w.Code == 200 && strings.HasPrefix(w.Body.String(), `{"issuer"`) &&
			(w.Header().Get("ETag") != keyring.ETag(w.Body.Bytes()) || w.Header().Get("Content-Type") != "application/json") {
			t.Errorf("%s: %v", row.path, w.Header())
		}
		if w.Code == 200 && strings.HasSuffix(row.path, "jwks.json") && (w.Header().Get("ETag") != `"tag"` || w.Header().Get("Content-Type") != "application/jwk-set+json") {
			t.Errorf("%v", w.Header())
		}
	}
}
