package tokenendpoint_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
	"conductor-jwt/test/tokenendpoint"
)

var noon = time.Unix(1795348800, 0)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// signed returns a token with these claims, signed by the worker's own code.
func signed(t *testing.T, claims string) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	key, err := keys.NewParser(keys.ParserOptions{}).Resolve(context.Background(), keys.Ref{Text: secret.New(text)})
	if err != nil {
		t.Fatal(err)
	}
	object, err := jsonobj.Parse([]byte(claims), jsonobj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(t.Context(), key, signer.Request{Algorithm: keys.RS256, KeyID: "k", Claims: object})
	if err != nil {
		t.Fatal(err)
	}
	return token.Compact.Reveal()
}

func claims(id string, issued, expires int64) string {
	raw, err := json.Marshal(map[string]any{
		"iss": "c", "sub": "c", "aud": "https://acme.auth0.com/", "jti": id, "iat": noon.Unix() + issued, "exp": noon.Unix() + expires,
	})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func endpoint(t *testing.T, name string) *tokenendpoint.Endpoint {
	t.Helper()
	p, ok := provider.Find(name)
	if !ok {
		t.Fatalf("there is no provider %s", name)
	}
	return tokenendpoint.New(p, rsaKey().Public(), func() time.Time { return noon })
}

// post sends a form and returns the status and the error code.
func post(t *testing.T, e http.Handler, form url.Values) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	var body struct {
		Error       string `json:"error"`
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || (body.AccessToken == "") != (w.Code != http.StatusOK) {
		t.Errorf("response %d %s, want an access token with status 200 only", w.Code, w.Body)
	}
	return w.Code, body.Error
}

func client(token string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_assertion": {token}, "audience": {"https://api"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

func TestValidTokenIsAcceptedOnce(t *testing.T) {
	e := endpoint(t, "auth0")
	token := signed(t, claims("once", 0, 60))
	if status, code := post(t, e, client(token)); status != http.StatusOK {
		t.Errorf("first use: %d %s, want 200", status, code)
	}
	if status, code := post(t, e, client(token)); status != http.StatusUnauthorized || code != "invalid_client" {
		t.Errorf("second use: %d %s, want 401 invalid_client", status, code)
	}
	if seen, accepted := e.Counts(); seen != 2 || accepted != 1 {
		t.Errorf("%d received, %d accepted; want 2 and 1", seen, accepted)
	}
}

func TestInvalidTokenIsRefused(t *testing.T) {
	good := signed(t, claims("a", 0, 60))
	for name, token := range map[string]string{
		"expired":                    signed(t, claims("b", -60, 0)),
		"issued in the future":       signed(t, claims("c", 1, 61)),
		"valid for too long":         signed(t, claims("d", 0, 301)),
		"for another audience":       signed(t, strings.Replace(claims("e", 0, 60), "acme.auth0.com/", "acme.auth0.com", 1)),
		"without a jti":              signed(t, strings.Replace(claims("f", 0, 60), `"jti"`, `"jtx"`, 1)),
		"of another subject":         signed(t, strings.Replace(claims("g", 0, 60), `"sub":"c"`, `"sub":"d"`, 1)),
		"with a truncated signature": good[:len(good)-20],
		"not a token":                "x",
		"unsigned":                   "eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".",
	} {
		if status, code := post(t, endpoint(t, "auth0"), client(token)); status != http.StatusUnauthorized || code != "invalid_client" {
			t.Errorf("%s: %d %s, want 401 invalid_client", name, status, code)
		}
	}
}

// The codes are those of RFC 6749 §5.2.
func TestInvalidFormIsRefused(t *testing.T) {
	token := signed(t, claims("a", 0, 60))
	without := func(name string) url.Values {
		form := client(token)
		form.Del(name)
		return form
	}
	twice := client(token)
	twice.Add("client_assertion", token)
	for _, row := range []struct {
		profile string
		form    url.Values
		status  int
		code    string
	}{
		{"auth0", without("grant_type"), http.StatusBadRequest, "unsupported_grant_type"},
		{"auth0", without("client_assertion"), http.StatusUnauthorized, "invalid_client"},
		{"auth0", without("client_assertion_type"), http.StatusUnauthorized, "invalid_client"},
		{"auth0", twice, http.StatusBadRequest, "invalid_request"},
		{"salesforce", client(token), http.StatusBadRequest, "unsupported_grant_type"},
		{"salesforce", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}}, http.StatusBadRequest, "invalid_request"},
		{"salesforce", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {token}}, http.StatusBadRequest, "invalid_grant"},
		{"box", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {token}}, http.StatusUnauthorized, "invalid_client"},
		{"apple-sign-in", url.Values{"grant_type": {"authorization_code"}}, http.StatusBadRequest, "invalid_client"},
	} {
		if status, code := post(t, endpoint(t, row.profile), row.form); status != row.status || code != row.code {
			t.Errorf("%s %v: %d %s, want %d %s", row.profile, row.form, status, code, row.status, row.code)
		}
	}
}

func TestAPIRefusesUnknownAccessTokens(t *testing.T) {
	e := endpoint(t, "auth0")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api", nil)
	r.Header.Set("Authorization", "Bearer nothing")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", w.Code)
	}
}

// send posts a body as it is.
func send(t *testing.T, e http.Handler, path, kind, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func formOf(token string) string {
	return client(token).Encode()
}

const formType = "application/x-www-form-urlencoded"

func TestALimitEndsAfterItsRequests(t *testing.T) {
	e := endpoint(t, "auth0")
	e.Fail(1)
	if w := send(t, e, "/token", formType, formOf(signed(t, claims("a", 0, 60)))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d, want 503", w.Code)
	}
	e.Limit(1, "7")
	w := send(t, e, "/token", formType, formOf(signed(t, claims("a", 0, 60))))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "7" {
		t.Errorf("%d after %s, want 429 after 7", w.Code, w.Header().Get("Retry-After"))
	}
	if seen, _ := e.Counts(); seen != 0 {
		t.Errorf("%d tokens were received", seen)
	}
	if w = send(t, e, "/token", formType, formOf(signed(t, claims("a", 0, 60)))); w.Code != http.StatusOK {
		t.Errorf("%d %s, want 200", w.Code, w.Body)
	}
}

func TestARevokedAccessTokenIsRefused(t *testing.T) {
	e := endpoint(t, "auth0")
	var issued struct {
		AccessToken string `json:"access_token"`
	}
	w := send(t, e, "/token", formType, formOf(signed(t, claims("a", 0, 60))))
	if err := json.Unmarshal(w.Body.Bytes(), &issued); err != nil {
		t.Fatal(err)
	}
	if w = send(t, e, "/api", "", "", "Authorization", "Bearer "+issued.AccessToken); w.Code != http.StatusOK {
		t.Errorf("%d, want 200", w.Code)
	}
	e.Revoke()
	if w = send(t, e, "/api", "", "", "Authorization", "Bearer "+issued.AccessToken); w.Code != http.StatusUnauthorized {
		t.Errorf("%d after the revocation, want 401", w.Code)
	}
}

func TestAnyOfTheKeysVerifies(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint(t, "auth0")
	e.SetKeys(other.Public(), rsaKey().Public())
	if w := send(t, e, "/token", formType, formOf(signed(t, claims("a", 0, 60)))); w.Code != http.StatusOK {
		t.Errorf("%d %s, want 200", w.Code, w.Body)
	}
	e.SetKeys(other.Public())
	if w := send(t, e, "/token", formType, formOf(signed(t, claims("b", 0, 60)))); w.Code != http.StatusUnauthorized {
		t.Errorf("%d %s, want 401", w.Code, w.Body)
	}
}

func TestAnEndpointIsAtItsPath(t *testing.T) {
	e := endpoint(t, "auth0")
	e.At("/oauth/token")
	if w := send(t, e, "/token", formType, formOf(signed(t, claims("a", 0, 60)))); w.Code != http.StatusNotFound {
		t.Errorf("another path: %d, want 404", w.Code)
	}
	if w := send(t, e, "/oauth/token", formType, formOf(signed(t, claims("a", 0, 60)))); w.Code != http.StatusOK {
		t.Errorf("%d %s, want 200", w.Code, w.Body)
	}
}

// What a provider requires beside the token, and how it refuses.
func TestAProviderChecksTheRestOfTheRequest(t *testing.T) {
	app := signed(t, `{"iss":"Iv1","iat":1795348800,"exp":1795349000}`)
	for _, row := range []struct {
		says, profile, body string
		status              int
		want                string
	}{
		{"a client id that is not the issuer", "auth0", formOf(signed(t, claims("a", 0, 60))) + "&client_id=d", 401, `"error":"invalid_client"`},
		{"no audience", "auth0", strings.Replace(formOf(signed(t, claims("a", 0, 60))), "audience=", "resource=", 1), 403, `"error":"access_denied"`},
		{"a member that GitHub does not know", "github-app", `{"scope":"x"}`, 422, `"message":"Invalid request. scope is not permitted."`},
		{"a token of GitHub", "github-app", `{"repositories":["a"]}`, 201, `"repository_selection":"selected"`},
		{"no token of Firebase", "firebase", `{}`, 400, `"message":"INVALID_REQUEST : no token in the json body"`},
		{"no token of Tableau", "tableau", `{}`, 400, `"code":"401001"`},
	} {
		w := send(t, endpoint(t, row.profile), "/token", formType, row.body, "Authorization", "Bearer "+app)
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.want) {
			t.Errorf("%s: %d %s, want %d %s", row.says, w.Code, w.Body, row.status, row.want)
		}
	}
}
