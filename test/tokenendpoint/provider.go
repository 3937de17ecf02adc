package tokenendpoint

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"conductor-jwt/internal/jsonobj"
)

// life is how long access tokens live.
const life = time.Hour

// checkRequest refuses what a provider refuses beside the token: a client ID that is
// not the token's, and what the provider requires besides.
func (e *Endpoint) checkRequest(r *http.Request, s *sent, claims *jsonobj.Object) *refusal {
	issuer, _ := claims.Text("iss")
	if id := s.form.Get("client_id"); s.form.Has("client_id") && e.profile.Name != "apple-sign-in" && id != issuer {
		return &refusal{http.StatusUnauthorized, "invalid_client", "client_id is not the issuer"}
	}
	switch e.profile.Name {
	case "apple-sign-in":
		return e.checkGrant(s, claims)
	case "auth0":
		if s.form.Get("audience") == "" {
			return &refusal{http.StatusForbidden, "access_denied", "no audience"}
		}
	case "entra":
		if !strings.HasSuffix(s.form.Get("scope"), "/.default") || s.form.Get("client_id") == "" {
			return invalidRequest("no client_id, or a scope that does not end in /.default")
		}
	case "okta", "smart-backend-services":
		if s.form.Get("scope") == "" {
			return &refusal{http.StatusBadRequest, "invalid_scope", "no scope"}
		}
	case "firebase":
		if key := r.Header.Get("X-Goog-Api-Key") + r.URL.Query().Get("key"); key == "" || s.body["returnSecureToken"] != true {
			return &refusal{http.StatusForbidden, "PERMISSION_DENIED", "no API key, or returnSecureToken is not true"}
		}
	case "github-app":
		for name := range s.body {
			if !strings.Contains(" repositories repository_ids permissions ", " "+name+" ") {
				return &refusal{http.StatusUnprocessableEntity, "", "Invalid request. " + name + " is not permitted."}
			}
		}
	case "tableau":
		if inside(s.body, "credentials", "site", "contentUrl") == nil {
			return &refusal{http.StatusBadRequest, "400000", "no site"}
		}
	}
	return nil
}

// checkGrant refuses an authorization code that was used before, and a client that is
// not the token's subject.
func (e *Endpoint) checkGrant(s *sent, claims *jsonobj.Object) *refusal {
	invalid := &refusal{http.StatusBadRequest, "invalid_grant", "the code or the refresh token is not valid"}
	subject, _ := claims.Text("sub")
	switch code := s.form.Get("code"); {
	case s.form.Get("client_id") != subject:
		return &refusal{http.StatusBadRequest, "invalid_client", "client_id is not the subject"}
	case s.form.Get("grant_type") == "authorization_code" && code != "":
		return e.useOnce("code "+code, invalid)
	case s.form.Get("grant_type") == "refresh_token" && s.form.Get("refresh_token") != "":
		return nil
	}
	return invalid
}

// refusalBody returns the body of a refusal, as the provider sends it.
func (e *Endpoint) refusalBody(r *refusal) map[string]any {
	switch e.profile.Name {
	case "github-app":
		return map[string]any{"message": r.description, "documentation_url": "https://docs.github.com/rest"}
	case "firebase":
		return map[string]any{"error": map[string]any{"code": r.status, "message": strings.ToUpper(r.code) + " : " + r.description}}
	case "tableau":
		return map[string]any{"error": map[string]any{"summary": "Signin Error", "detail": r.description, "code": "401001"}}
	}
	return map[string]any{"error": r.code, "error_description": r.description} // RFC 6749 §5.2
}

// success returns the body of a successful response, as the provider sends it.
func (e *Endpoint) success(access string, claims *jsonobj.Object) map[string]any {
	seconds := int(life / time.Second)
	switch e.profile.Name {
	case "google-service-account":
		if claims.Has("target_audience") {
			token := e.idToken(access)
			e.issued[token] = true
			return map[string]any{"id_token": token}
		}
	case "github-app":
		return map[string]any{
			"token": access, "expires_at": e.now().Add(life).UTC().Format(time.RFC3339),
			"permissions": map[string]any{"contents": "read"}, "repository_selection": "selected",
		}
	case "firebase":
		return map[string]any{"idToken": access, "refreshToken": "refresh", "expiresIn": fmt.Sprint(seconds)}
	case "tableau":
		return map[string]any{"credentials": map[string]any{"token": access, "site": map[string]any{"id": "site-1", "contentUrl": "mysite"}, "user": map[string]any{"id": "user-1"}}}
	case "salesforce":
		return map[string]any{"access_token": access, "token_type": "Bearer", "instance_url": "https://example.my.salesforce.com", "id": "https://login.salesforce.com/id/1/2", "scope": "api"}
	case "netsuite":
		return map[string]any{"access_token": access, "token_type": "bearer", "expires_in": fmt.Sprint(seconds)}
	case "apple-sign-in":
		return map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": seconds, "refresh_token": "refresh", "id_token": e.idToken(access)}
	}
	return map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": seconds}
}

// idToken returns an ID token that nobody verifies.
func (e *Endpoint) idToken(access string) string {
	payload, err := json.Marshal(map[string]any{"exp": e.now().Add(life).Unix(), "jti": access})
	if err != nil {
		panic(err) // cannot happen: a string and a number
	}
	return "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".c2ln"
}
