package provider

import (
	"cmp"
	"encoding/json/jsontext"
	"errors"
	"net/url"
	"strings"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/signer"
)

// Exchange says how a signed token is exchanged for an access token: where it is
// posted, with what else, and what the answer holds.
type Exchange struct {
	// URL is the token endpoint, with {name} in place of a parameter. Empty: the
	// endpoint differs from tenant to tenant.
	URL string
	// Patterns match the provider's own endpoints. In a host, * is one label and ** any
	// number of them; in a path, * is one segment. Other endpoints are used only if the
	// policy lists them, or, where there is a URL and no pattern, not at all.
	Patterns []string

	Parameters []Parameter
	OneOf      []string // exactly one of these parameters is required

	ClientID string // the claim that the form repeats as client_id; empty: none
	Scope    bool   // the form repeats the scope of the claims

	Token     []string // paths of the token in the answer, the first that is there; empty: access_token
	TokenType string   // where the answer has none; empty: Bearer
	Response  []string // paths of what else callers need of the answer
	Lifetime  int64    // in seconds, where the answer does not tell; 0: unknown
	Temporary []string // error codes that a later attempt may not meet

	// endpoint returns the endpoint that follows from the audience, or "" where none
	// does. nil: none ever does.
	endpoint func(audience string) string
	// request completes a request of the provider's own form. nil: the request is a
	// form of RFC 7523 §2.1 or §2.2.
	request func(x *Exchange, in *ExchangeInput, r *ExchangeRequest)
}

// ExchangeInput is what an exchange request is made of.
type ExchangeInput struct {
	secret.Opaque

	Assertion  secret.Text
	Claims     *jsonobj.Object // of the assertion
	Parameters jsonobj.Object  // checked by [Profile.CheckParameters]
	URL        string          // of [Profile.Endpoint]
}

// ExchangeRequest is an HTTP request to a token endpoint.
type ExchangeRequest struct {
	secret.Opaque

	Method, URL string
	Header      map[string]string
	Body        secret.Text
}

var errNoExchange = errors.New("the profile has no exchange")

// ExchangeRequest returns the request that exchanges a signed token. The profile must
// have an exchange.
func (p *Profile) ExchangeRequest(in ExchangeInput) ExchangeRequest {
	r := ExchangeRequest{Method: "POST", URL: in.URL, Header: map[string]string{"Accept": "application/json"}}
	if p.Exchange.request != nil {
		p.Exchange.request(p.Exchange, &in, &r)
		return r
	}
	form := url.Values{}
	if p.Use == ClientAssertion { // RFC 7523 §2.2, RFC 6749 §4.4.2
		form.Set("grant_type", "client_credentials")
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", in.Assertion.Reveal())
	} else { // RFC 7523 §2.1
		form.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
		form.Set("assertion", in.Assertion.Reveal())
	}
	if scope := p.requestedScope(in.Claims); p.Exchange.Scope && scope != "" {
		form.Set("scope", scope)
	}
	p.Exchange.postForm(&in, &r, form)
	return r
}

// postForm makes r the post of a form, to which it adds the client id and the
// parameters.
func (e *Exchange) postForm(in *ExchangeInput, r *ExchangeRequest, form url.Values) {
	if e.ClientID != "" {
		id, _ := in.Claims.Text(e.ClientID)
		form.Set("client_id", id)
	}
	for _, parameter := range e.Parameters {
		if value, ok := given(&in.Parameters, parameter.Name); ok && parameter.Field != "" {
			form[parameter.Field] = texts(value)
		}
	}
	r.Header["Content-Type"] = "application/x-www-form-urlencoded"
	r.Body = secret.New(form.Encode())
}

// postJSON makes r the post of a JSON object, to which it adds the parameters.
func (e *Exchange) postJSON(in *ExchangeInput, r *ExchangeRequest, body jsonobj.Object) {
	for _, parameter := range e.Parameters {
		if value, ok := given(&in.Parameters, parameter.Name); ok && parameter.Field != "" {
			body.Set(parameter.Field, parameter.json(value))
		}
	}
	r.Header["Content-Type"] = "application/json"
	r.Body = secret.New(string(body.AppendJSON(nil)))
}

// requestedScope returns the scope of the claims as RFC 6749 §3.3 writes it.
func (p *Profile) requestedScope(claims *jsonobj.Object) string {
	value, ok := claims.Get(cmp.Or(p.ScopeClaim, "scope"))
	if !ok {
		return ""
	}
	return strings.Join(texts(value), " ")
}

// audienceOf returns the only audience of the claims, or "".
func audienceOf(claims *jsonobj.Object) string {
	if audiences, ok := signer.Audiences(claims); ok && len(audiences) == 1 {
		return audiences[0]
	}
	return ""
}

// texts returns a string, the digits of a number, or those of each element of an
// array.
func texts(value jsontext.Value) []string {
	var list []string
	for _, element := range elements(value) {
		text, ok := jsonobj.String(element)
		if !ok {
			text = string(element)
		}
		list = append(list, text)
	}
	return list
}

// elements returns the elements of an array, or any other value by itself.
func elements(value jsontext.Value) []jsontext.Value {
	if list, ok := jsonobj.Elements(value); ok {
		return list
	}
	return []jsontext.Value{value}
}
