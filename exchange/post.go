package exchange

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/retryafter"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/exposure"
	"conductor-jwt/provider"
)

// post is one exchange: what is sent, and what is kept with the token. It has nothing
// of the task but that.
type post struct {
	secret.Opaque
	profile *provider.Profile
	request outbound.Request
	key     exposure.Secrets // of the task's key
	sent    exposure.Parts   // what no error may repeat: the assertion and secret parameters
	// unique is what no token may repeat of what was sent: the secret parameters and the
	// signature. The other parts of an assertion may be like those of a token.
	unique exposure.Parts

	entry entry
}

// newPost returns the exchange of an assertion.
func newPost(r *Request, key string, assertion secret.Text) *post {
	in := r.Input
	in.Assertion = assertion
	request := r.Profile.ExchangeRequest(in)
	header := http.Header{}
	for name, value := range request.Header {
		header.Set(name, value)
	}
	compact := assertion.Reveal()
	return &post{
		unique:  exposure.Parts{Words: append(sealed(r), compact[strings.LastIndexByte(compact, '.')+1:])},
		profile: r.Profile,
		request: outbound.Request{Method: request.Method, URL: request.URL, Header: header, Body: request.Body, Private: r.Listed},
		key:     r.Secrets,
		sent:    exposure.Parts{Words: append(sealed(r), compact)},
		entry:   entry{key: key, keyName: r.KeyName},
	}
}

// sealed returns the texts of the parameters that are secrets.
func sealed(r *Request) []string {
	var list []string
	for _, name := range r.Profile.SealedParameters() {
		if value, ok := r.Input.Parameters.Get(name); ok {
			list = append(list, texts(value)...)
		}
	}
	return list
}

// texts returns every text within a value.
func texts(value jsontext.Value) []string {
	var list []string
	if v, err := jsonobj.ParseValue(value, jsonobj.Limits{}); err == nil {
		v.Walk(func(text string) { list = append(list, text) })
	}
	return list
}

// send posts the assertion once and reads the answer.
func (p *post) send(ctx context.Context, x *Exchanger) (*entry, error) {
	began := x.options.Now()
	answer, err := x.options.Client.Do(ctx, p.request)
	now := x.options.Now()
	x.metrics.took(p.profile, now.Sub(began))
	if err != nil {
		return nil, p.noAnswer(err)
	}
	token, err := p.profile.ReadToken(answer.Status, answer.Body, began)
	if refused, ok := errors.AsType[*provider.Refused](err); ok {
		return nil, p.refusal(refused)
	}
	if err != nil {
		cause, hint := causeIn(answer, now), "wait until the provider answers again"
		if wait := RetryAfterOf(cause); wait > 0 {
			hint = throttled(wait).hint() + ", as the provider asks"
		} else if answer.Status < 400 { // a page, or a redirect, which is not followed
			hint = "check the address; another service may answer there"
		}
		return nil, unavailable(err.Error(), hint, cause)
	}
	if p.isRepeatedIn(&token) {
		return nil, unavailable("the answer repeats what was sent", "check the token endpoint; another service may answer there", causeIn(answer, now))
	}
	e := p.entry
	e.token, e.obtained = token, began
	if !token.Expires.IsZero() {
		if e.life = token.Expires.Sub(began); e.left(now) <= 0 {
			return nil, unavailable("the provider's token has expired already", "check the worker's clock", causeIn(answer, now))
		}
	}
	return &e, nil
}

// isRepeatedIn reports whether a token holds the assertion or a secret parameter, which
// would then stand in the output of tasks.
func (p *post) isRepeatedIn(t *provider.Token) bool {
	texts := []string{t.AccessToken.Reveal(), t.TokenType, t.Scope, string(t.Response.AppendJSON(nil))}
	return slices.ContainsFunc(texts, exposure.New(p.unique).In)
}

// causeIn returns why an answer has no token that can be used: the provider asks to
// wait, or something else than an outage; nil for an outage.
func causeIn(answer outbound.Response, now time.Time) error {
	wait := retryafter.Read(answer.Header.Get("Retry-After"), now)
	if wait > 0 || answer.Status == http.StatusTooManyRequests {
		return throttled(wait)
	}
	if answer.Status < http.StatusInternalServerError {
		return errAnswered
	}
	return nil
}

// host returns the limits of the host of an endpoint.
func (x *Exchanger) host(endpoint string) (*bulkhead.Bulkhead, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, unavailable("the token endpoint is not a URL", "report it", nil)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	host, ok := x.hosts.Get(u.Host)
	if !ok {
		host = bulkhead.New(bulkhead.Quarter(x.options.Slots), x.options.Now)
		x.hosts.Add(u.Host, host)
	}
	return host, nil
}
