package provider_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"conductor-jwt/provider"
)

// now is when the requests of these tests were made.
var now = time.Unix(1_800_000_000, 500)

func TestAnAnswerIsRead(t *testing.T) {
	idToken := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1800003000}`)) + ".c2ln"
	for _, row := range []struct {
		says, profile, body string
		token, kind, scope  string
		life                time.Duration // -1: unknown
		response            string
	}{
		{"RFC 6749 §5.1", "okta", `{"access_token":"a","token_type":"Bearer","expires_in":3600,"scope":"s t"}`, "a", "Bearer", "s t", time.Hour, `{}`},
		{"the type in lower case", "box", `{"access_token":"a","token_type":"bearer","expires_in":4169,"restricted_to":[]}`, "a", "Bearer", "", 4169 * time.Second, `{}`},
		{"seconds as a string", "netsuite", `{"access_token":"a","token_type":"bearer","expires_in":"3600"}`, "a", "Bearer", "", time.Hour, `{}`},
		{"seconds as a fraction", "keycloak", `{"access_token":"a","expires_in":60.9}`, "a", "Bearer", "", time.Minute, `{}`},
		{"an error that is none", "client-assertion", `{"access_token":"a","error":"","expires_in":60}`, "a", "Bearer", "", time.Minute, `{}`},
		{"no seconds", "client-assertion", `{"access_token":"a","token_type":"DPoP"}`, "a", "DPoP", "", -1, `{}`},
		{"seconds that are none", "client-assertion", `{"access_token":"a","expires_in":"soon"}`, "a", "Bearer", "", -1, `{}`},
		{"negative seconds", "client-assertion", `{"access_token":"a","expires_in":-5}`, "a", "Bearer", "", -1, `{}`},
		{"no time at all", "client-assertion", `{"access_token":"a","expires_in":0}`, "a", "Bearer", "", 0, `{}`},
		{"more than a year", "client-assertion", `{"access_token":"a","expires_in":999999999999}`, "a", "Bearer", "", 366 * 24 * time.Hour, `{}`},
		{"a type that no header can hold", "client-assertion", `{"access_token":"a","token_type":"a b\r\n"}`, "a", "Bearer", "", -1, `{}`},
		{
			"Salesforce", "salesforce", `{"access_token":"00D!a","scope":"api","instance_url":"https://acme.my.salesforce.com","id":"https://login.salesforce.com/id/1/2","token_type":"Bearer"}`,
			"00D!a", "Bearer", "api", 15 * time.Minute, `{"instance_url":"https://acme.my.salesforce.com","id":"https://login.salesforce.com/id/1/2"}`,
		},
		{"an ID token of Google", "google-service-account", `{"id_token":"` + idToken + `"}`, idToken, "Bearer", "", 50 * time.Minute, `{}`},
		{"an ID token that is none", "google-service-account", `{"id_token":"x"}`, "x", "Bearer", "", -1, `{}`},
		{"Firebase", "firebase", `{"kind":"k","idToken":"a","refreshToken":"r","expiresIn":"3600","isNewUser":false}`, "a", "Bearer", "", time.Hour, `{}`},
		{
			"GitHub", "github-app", `{"token":"ghs_a","expires_at":"2027-01-15T09:00:00Z","permissions":{"contents": "read"},"repository_selection":"selected","repositories":[]}`,
			"ghs_a", "Bearer", "", time.Hour, `{"permissions":{"contents":"read"},"repository_selection":"selected"}`,
		},
		{
			"Apple", "apple-sign-in", `{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","id_token":"` + idToken + `"}`,
			"a", "Bearer", "", time.Hour, `{"id_token":"` + idToken + `","refresh_token":"r"}`,
		},
		{
			"Tableau", "tableau", `{"credentials":{"site":{"id":"9a8b","contentUrl":"acme"},"user":{"id":"9f9e"},"token":"12ab34cd"}}`,
			"12ab34cd", "X-Tableau-Auth", "", 2 * time.Hour, `{"site":{"id":"9a8b","contentUrl":"acme"},"user":{"id":"9f9e"}}`,
		},
	} {
		got, err := find(t, row.profile).ReadToken(200, []byte(row.body), now)
		if err != nil {
			t.Errorf("%s: %v", row.says, err)
			continue
		}
		issued := time.Unix(1_800_000_000, 0)
		want := issued.Add(row.life)
		if row.life < 0 {
			want = time.Time{}
		}
		if got.AccessToken.Reveal() != row.token || got.TokenType != row.kind || got.Scope != row.scope || !got.IssuedAt.Equal(issued) || !got.Expires.Equal(want) {
			t.Errorf("%s: %s %s %q until %s, want %s %s %q until %s", row.says, got.AccessToken.Reveal(), got.TokenType, got.Scope, got.Expires, row.token, row.kind, row.scope, want)
		}
		if response := string(got.Response.AppendJSON(nil)); response != row.response {
			t.Errorf("%s: response %s, want %s", row.says, response, row.response)
		}
	}
}

func TestARefusalIsRead(t *testing.T) {
	for _, row := range []struct {
		says, profile           string
		status                  int
		body, code, description string
	}{
		{"RFC 6749 §5.2", "okta", 401, `{"error":"invalid_client","error_description":"no such key"}`, "invalid_client", "no such key"},
		{"without a description", "box", 400, `{"error":"unauthorized_client"}`, "unauthorized_client", ""},
		{"with status 200", "client-assertion", 200, `{"error":"invalid_grant"}`, "invalid_grant", ""},
		{"a code that is none", "okta", 400, `{"error":"` + strings.Repeat("x", 65) + `","error_description":"quite long"}`, "", "quite long"},
		{"a code of two lines", "okta", 400, `{"error":"a\nb"}`, "", ""},
		{"GitHub", "github-app", 404, `{"message":"Not Found","documentation_url":"https://docs.github.com"}`, "", "Not Found"},
		{"Identity Toolkit", "firebase", 400, `{"error":{"code":400,"message":"INVALID_CUSTOM_TOKEN : too old","errors":[]}}`, "INVALID_CUSTOM_TOKEN", "too old"},
		{"Google", "firebase", 400, `{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}`, "INVALID_ARGUMENT", "API key not valid."},
		{"Tableau", "tableau", 401, `{"error":{"summary":"Signin Error","detail":"Error signing in","code":"401001"}}`, "401001", "Error signing in"},
		{"JSON of no form", "okta", 403, `["no"]`, "", ""},
		{"an error that is a number", "okta", 403, `{"error":5}`, "", ""},
	} {
		_, err := find(t, row.profile).ReadToken(row.status, []byte(row.body), now)
		got, ok := errors.AsType[*provider.Refused](err)
		if !ok || got.Code != row.code || got.Description != row.description || got.Status != row.status {
			t.Errorf("%s: %#v, want %s %q", row.says, err, row.code, row.description)
		}
		if ok && (row.code != "" && strings.Contains(err.Error(), row.code) || row.description != "" && strings.Contains(err.Error(), row.description)) {
			t.Errorf("%s: the error prints the provider's text: %v", row.says, err)
		}
	}
}

// These may be different the next time.
func TestAProviderMayBeUnavailable(t *testing.T) {
	refusal := `{"error":"invalid_grant"}`
	for _, row := range []struct {
		says, profile string
		status        int
		body          string
	}{
		{"a timeout", "okta", 408, refusal},
		{"too early", "okta", 425, refusal},
		{"too many requests", "okta", 429, refusal},
		{"a server's error", "okta", 500, refusal},
		{"a server that is down", "okta", 503, ``},
		{"a redirect", "okta", 302, `{}`},
		{"a redirect that seems a refusal", "okta", 302, refusal},
		{"information", "okta", 100, `{}`},
		{"a page", "okta", 200, `<html>`},
		{"a page of a proxy", "okta", 403, `<html>`},
		{"an empty body", "okta", 400, ``},
		{"no token", "okta", 200, `{"token_type":"Bearer"}`},
		{"an empty token", "okta", 200, `{"access_token":""}`},
		{"a token that is a number", "okta", 200, `{"access_token":5}`},
		{"a token of two lines", "okta", 200, `{"access_token":"a\r\nX: y"}`},
		{"a token with a space", "okta", 200, `{"access_token":"a b"}`},
		{"a token twice", "okta", 200, `{"access_token":"a","access_token":"b"}`},
		{"a list", "okta", 200, `[]`},
		{"too many levels", "okta", 200, strings.Repeat("[", 10_000)},
		{"a temporary error", "entra", 400, `{"error":"temporarily_unavailable"}`},
		{"the login rate of Salesforce", "salesforce", 400, `{"error":"rate_limit_exceeded"}`},
		{"the quota of Firebase", "firebase", 400, `{"error":{"message":"QUOTA_EXCEEDED : Exceeded quota"}}`},
		{"the rate limit of GitHub", "github-app", 403, `{"message":"You have exceeded a secondary rate limit."}`},
	} {
		_, err := find(t, row.profile).ReadToken(row.status, []byte(row.body), now)
		if _, refused := errors.AsType[*provider.Refused](err); err == nil || refused {
			t.Errorf("%s: %#v, want an error that is no refusal", row.says, err)
		}
	}
}

// Whatever a provider sends, a token is one line for a header, its times are in
// order, and an error quotes nothing.
func FuzzReadToken(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"a","token_type":"bearer","expires_in":3600,"scope":"s"}`, `{"error":"invalid_grant","error_description":"d"}`, `{"token":"a","expires_at":"2027-01-15T09:00:00Z"}`,
		`{"error":{"code":400,"message":"QUOTA_EXCEEDED : d"}}`, `{"credentials":{"token":"t","site":{}}}`, `{"id_token":"e30.eyJleHAiOjF9.c2ln"}`, `{"message":"rate limit"}`, `<html>`, `[[`, `{"expires_in":1e400}`,
	} {
		for _, status := range []int{200, 201, 302, 400, 403, 429, 503} {
			f.Add(status, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, p := range provider.Profiles() {
			if p.Exchange == nil {
				continue
			}
			token, err := p.ReadToken(status, body, now)
			text := token.AccessToken.Reveal()
			switch {
			case err != nil && text != "":
				t.Errorf("%s: a token and an error", p.Name)
			case err != nil:
				if refused, ok := errors.AsType[*provider.Refused](err); ok && (len(refused.Code) > 64 || strings.ContainsAny(refused.Code, "\r\n\"\\")) {
					t.Errorf("%s: the code %q", p.Name, refused.Code)
				}
			case status < 200 || status > 299:
				t.Errorf("%s: a token with status %d", p.Name, status)
			case text == "" || strings.ContainsAny(text+token.TokenType, " \r\n\x00") || token.TokenType == "":
				t.Errorf("%s: the token %q of type %q", p.Name, text, token.TokenType)
			case !token.Expires.IsZero() && (token.Expires.Before(token.IssuedAt) || token.Expires.Sub(token.IssuedAt) > 367*24*time.Hour):
				t.Errorf("%s: from %s until %s", p.Name, token.IssuedAt, token.Expires)
			}
		}
	})
}
