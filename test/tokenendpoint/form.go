package tokenendpoint

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/provider"
)

// The values of RFC 7523 §2.1 and §2.2.
const (
	grantType     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

const maxBody = 1 << 20

// tokenOf returns the token of a request, from where the provider expects it.
func (e *Endpoint) tokenOf(r *http.Request) (string, *refusal) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return "", &refusal{http.StatusBadRequest, "invalid_request", "the body cannot be read"}
	}
	switch e.profile.Exchange {
	case provider.Assertion:
		return e.assertion(r, body)
	case provider.ClientAssertion:
		return clientAssertion(r, body)
	case provider.Bearer, provider.CustomRequest:
	}
	switch e.profile.Name {
	case "firebase":
		var sent struct {
			Token string `json:"token"`
		}
		refused := jsonBody(body, &sent, func() string { return sent.Token })
		return sent.Token, refused
	case "tableau":
		var sent struct {
			Credentials struct {
				JWT string `json:"jwt"`
			} `json:"credentials"`
		}
		refused := jsonBody(body, &sent, func() string { return sent.Credentials.JWT })
		return sent.Credentials.JWT, refused
	case "apple-sign-in":
		return clientSecret(r, body)
	case "snowflake":
		if r.Header.Get("X-Snowflake-Authorization-Token-Type") != "KEYPAIR_JWT" {
			return "", &refusal{http.StatusUnauthorized, "invalid_request", "X-Snowflake-Authorization-Token-Type is not KEYPAIR_JWT"}
		}
	}
	token, ok := bearer(r)
	if !ok {
		return "", &refusal{http.StatusUnauthorized, "invalid_request", "no Authorization: Bearer"}
	}
	return token, nil
}

func jsonBody(body []byte, into any, token func() string) *refusal {
	if json.Unmarshal(body, into) != nil || token() == "" {
		return &refusal{http.StatusBadRequest, "invalid_request", "no token in the json body"}
	}
	return nil
}

// form reads a body of the media type that RFC 6749 §4.1.3 requires.
func form(r *http.Request, body []byte) (url.Values, *refusal) {
	values, err := url.ParseQuery(string(body))
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" || err != nil {
		return nil, &refusal{http.StatusBadRequest, "invalid_request", "not the POST of a form"}
	}
	for _, list := range values {
		if len(list) > 1 { // RFC 6749 §3.2
			return nil, &refusal{http.StatusBadRequest, "invalid_request", "a parameter twice"}
		}
	}
	return values, nil
}

func (e *Endpoint) assertion(r *http.Request, body []byte) (string, *refusal) {
	values, refused := form(r, body)
	switch {
	case refused != nil:
		return "", refused
	case values.Get("grant_type") != grantType:
		return "", &refusal{http.StatusBadRequest, "unsupported_grant_type", "grant_type"}
	case values.Get("assertion") == "":
		return "", &refusal{http.StatusBadRequest, "invalid_request", "no assertion"}
	case e.profile.Name == "box" && (values.Get("client_id") == "" || values.Get("client_secret") == ""):
		return "", &refusal{http.StatusUnauthorized, "invalid_client", "no client_id or no client_secret"}
	}
	return values.Get("assertion"), nil
}

func clientAssertion(r *http.Request, body []byte) (string, *refusal) {
	values, refused := form(r, body)
	switch {
	case refused != nil:
		return "", refused
	case values.Get("grant_type") != "client_credentials":
		return "", &refusal{http.StatusBadRequest, "unsupported_grant_type", "grant_type"}
	case values.Get("client_assertion_type") != assertionType || values.Get("client_assertion") == "":
		return "", &refusal{http.StatusUnauthorized, "invalid_client", "no client_assertion of the type jwt-bearer"}
	}
	return values.Get("client_assertion"), nil
}

func clientSecret(r *http.Request, body []byte) (string, *refusal) {
	values, refused := form(r, body)
	switch {
	case refused != nil:
		return "", refused
	case values.Get("grant_type") == "":
		return "", &refusal{http.StatusBadRequest, "unsupported_grant_type", "grant_type"}
	case values.Get("client_id") == "" || values.Get("client_secret") == "":
		return "", &refusal{http.StatusBadRequest, "invalid_client", "no client_id or no client_secret"}
	}
	return values.Get("client_secret"), nil
}

// bearer reads RFC 6750 §2.1.
func bearer(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// success returns the body of a successful response, as the provider sends it.
func (e *Endpoint) success(access string) map[string]any {
	switch e.profile.Name {
	case "github-app":
		return map[string]any{"token": access}
	case "firebase":
		return map[string]any{"idToken": access}
	case "tableau":
		return map[string]any{"credentials": map[string]any{"token": access}}
	}
	return map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600}
}

func headerOf(compact string) (jsonobj.Object, error) {
	text, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return jsonobj.Object{}, err
	}
	return jsonobj.Parse(raw, jsonobj.Limits{})
}
