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

// sent is what a request has in it.
type sent struct {
	token string
	form  url.Values     // of a form
	body  map[string]any // of JSON
}

func invalidRequest(description string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_request", description}
}

// tokenOf returns the token of a request, from where the provider expects it.
func (e *Endpoint) tokenOf(r *http.Request) (sent, *refusal) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return sent{}, invalidRequest("the body cannot be read")
	}
	switch e.profile.Use {
	case provider.Assertion:
		return e.assertion(r, body)
	case provider.ClientAssertion:
		return clientAssertion(r, body)
	case provider.Bearer, provider.CustomRequest:
	}
	switch e.profile.Name {
	case "firebase":
		return jsonToken(body, "token")
	case "tableau":
		return jsonToken(body, "credentials", "jwt")
	case "apple-sign-in":
		return clientSecret(r, body)
	case "snowflake":
		if r.Header.Get("X-Snowflake-Authorization-Token-Type") != "KEYPAIR_JWT" {
			return sent{}, &refusal{http.StatusUnauthorized, "invalid_request", "X-Snowflake-Authorization-Token-Type is not KEYPAIR_JWT"}
		}
	}
	token, ok := bearer(r)
	if !ok {
		return sent{}, &refusal{http.StatusUnauthorized, "invalid_request", "no Authorization: Bearer"}
	}
	s := sent{token: token}
	if len(body) > 0 && json.Unmarshal(body, &s.body) != nil {
		return sent{}, invalidRequest("the body is not a json object")
	}
	return s, nil
}

// jsonToken reads a token from a JSON body, at a path of member names.
func jsonToken(body []byte, path ...string) (sent, *refusal) {
	s := sent{}
	if json.Unmarshal(body, &s.body) == nil {
		s.token, _ = inside(s.body, path...).(string)
	}
	if s.token == "" {
		return sent{}, invalidRequest("no token in the json body")
	}
	return s, nil
}

// inside returns the value at a path of member names, or nil.
func inside(object map[string]any, path ...string) any {
	var value any = object
	for _, name := range path {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	return value
}

// form reads a body of the media type that RFC 6749 §4.1.3 requires.
func form(r *http.Request, body []byte) (url.Values, *refusal) {
	values, err := url.ParseQuery(string(body))
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" || err != nil {
		return nil, invalidRequest("not the POST of a form")
	}
	for name, list := range values {
		if len(list) > 1 && name != "resource" { // RFC 6749 §3.2, RFC 8707 §2
			return nil, invalidRequest("a parameter twice")
		}
	}
	return values, nil
}

func (e *Endpoint) assertion(r *http.Request, body []byte) (sent, *refusal) {
	values, refused := form(r, body)
	switch {
	case refused != nil:
		return sent{}, refused
	case values.Get("grant_type") != grantType:
		return sent{}, &refusal{http.StatusBadRequest, "unsupported_grant_type", "grant_type"}
	case values.Get("assertion") == "":
		return sent{}, invalidRequest("no assertion")
	case e.profile.Name == "box" && (values.Get("client_id") == "" || values.Get("client_secret") == ""):
		return sent{}, &refusal{http.StatusUnauthorized, "invalid_client", "no client_id or no client_secret"}
	}
	return sent{token: values.Get("assertion"), form: values}, nil
}

func clientAssertion(r *http.Request, body []byte) (sent, *refusal) {
	values, refused := form(r, body)
	switch {
	case refused != nil:
		return sent{}, refused
	case values.Get("grant_type") != "client_credentials":
		return sent{}, &refusal{http.StatusBadRequest, "unsupported_grant_type", "grant_type"}
	case values.Get("client_assertion_type") != assertionType || values.Get("client_assertion") == "":
		return sent{}, &refusal{http.StatusUnauthorized, "invalid_client", "no client_assertion of the type jwt-bearer"}
	}
	return sent{token: values.Get("client_assertion"), form: values}, nil
}

func clientSecret(r *http.Request, body []byte) (sent, *refusal) {
	values, refused := form(r, body)
	switch {
	case refused != nil:
		return sent{}, refused
	case values.Get("grant_type") == "":
		return sent{}, &refusal{http.StatusBadRequest, "unsupported_grant_type", "grant_type"}
	case values.Get("client_id") == "" || values.Get("client_secret") == "":
		return sent{}, &refusal{http.StatusBadRequest, "invalid_client", "no client_id or no client_secret"}
	}
	return sent{token: values.Get("client_secret"), form: values}, nil
}

// bearer reads RFC 6750 §2.1.
func bearer(r *http.Request) (string, bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func headerOf(compact string) (jsonobj.Object, error) {
	text, _, _ := strings.Cut(compact, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return jsonobj.Object{}, err
	}
	return jsonobj.Parse(raw, jsonobj.Limits{})
}
