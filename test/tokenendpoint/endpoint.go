// Package tokenendpoint is a fake provider: it accepts the tokens that a profile
// describes, in the request that the provider expects, and refuses others as the
// provider does. It verifies with a library that did not sign the tokens, and with
// its own clock.
package tokenendpoint

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// Endpoint is a provider's token endpoint and, at the path /api, an API that
// accepts its access tokens.
type Endpoint struct {
	profile *provider.Profile
	now     func() time.Time

	mu       sync.Mutex
	keys     []any           // public keys, or the bytes of symmetric secrets
	used     map[string]bool // jti, and the authorization codes of Apple
	issued   map[string]bool // access tokens
	path     string
	lose     int
	failing  int
	limited  int
	after    string // Retry-After of a limited request
	down     bool
	seen     int
	accepted int
}

// New returns the provider of a profile. key verifies the tokens.
func New(p *provider.Profile, key any, now func() time.Time) *Endpoint {
	return &Endpoint{profile: p, keys: []any{key}, now: now, used: map[string]bool{}, issued: map[string]bool{}}
}

// SetKeys sets the keys that verify the tokens, of which one must.
func (e *Endpoint) SetKeys(keys ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys = keys
}

// At sets the path of the token endpoint. Without it, every path but /api is one.
func (e *Endpoint) At(path string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.path = path
}

// Limit answers the next n requests with 429 and a Retry-After.
func (e *Endpoint) Limit(n int, retryAfter string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.limited, e.after = n, retryAfter
}

// Fail answers the next n requests with 503.
func (e *Endpoint) Fail(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failing = n
}

// Revoke makes the API refuse the access tokens that were issued so far.
func (e *Endpoint) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.issued)
}

// Lose closes the connection instead of sending the next n successful responses.
func (e *Endpoint) Lose(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lose = n
}

// Down sets whether every request is answered with 503.
func (e *Endpoint) Down(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

// Counts returns how many tokens were received and accepted.
func (e *Endpoint) Counts() (seen, accepted int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen, e.accepted
}

// ServeHTTP implements [http.Handler].
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path == "/api" && e.profile.Use != provider.Bearer {
		e.call(w, r)
		return
	}
	if e.path != "" && r.URL.Path != e.path {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if e.failing > 0 {
		e.failing--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if e.limited > 0 {
		e.limited--
		w.Header().Set("Retry-After", e.after)
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	sent, refusal := e.tokenOf(r)
	var claims jsonobj.Object
	if refusal == nil {
		e.seen++
		claims, refusal = e.verify(sent.token)
	}
	if refusal == nil {
		refusal = e.checkRequest(r, &sent, &claims)
	}
	if refusal != nil {
		respond(w, refusal.status, e.refusalBody(refusal))
		return
	}
	e.accepted++
	if e.lose > 0 {
		e.lose--
		panic(http.ErrAbortHandler)
	}
	access := rand.Text()
	e.issued[access] = true
	status := http.StatusOK
	if e.profile.Name == "github-app" {
		status = http.StatusCreated
	}
	respond(w, status, e.success(access, &claims))
}

// call handles a request to the API.
func (e *Endpoint) call(w http.ResponseWriter, r *http.Request) {
	access, _ := bearer(r)
	if access == "" {
		access = r.Header.Get("X-Tableau-Auth")
	}
	if !e.issued[access] {
		respond(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"}) // RFC 6750 §3.1
		return
	}
	respond(w, http.StatusOK, map[string]any{"ok": true})
}

// respond writes JSON. It ignores a client that has disconnected.
func respond(w http.ResponseWriter, status int, body map[string]any) {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // cannot happen: strings and numbers only
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // RFC 6749 §5.1
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// refusal is an error response (RFC 6749 §5.2).
type refusal struct {
	status            int
	code, description string
}

// refuse returns invalid_grant, or invalid_client if the token authenticates the
// client (RFC 7523 §3.1, §3.2).
func (e *Endpoint) refuse(description string) *refusal {
	if e.profile.Use == provider.ClientAssertion {
		return &refusal{http.StatusUnauthorized, "invalid_client", description}
	}
	return &refusal{http.StatusBadRequest, "invalid_grant", description}
}

// verify verifies a token, records its jti and returns its claims.
func (e *Endpoint) verify(compact string) (jsonobj.Object, *refusal) {
	claims, r := e.claimsOf(compact)
	if r == nil {
		r = e.checkTimes(&claims)
	}
	if r == nil {
		r = e.checkReplay(&claims)
	}
	return claims, r
}

// claimsOf returns the claims of a token whose signature verifies and that breaks no
// rule of the profile.
func (e *Endpoint) claimsOf(compact string) (jsonobj.Object, *refusal) {
	none := jsonobj.Object{}
	algorithms := make([]jose.SignatureAlgorithm, len(e.profile.Algorithms))
	for i, alg := range e.profile.Algorithms {
		algorithms[i] = jose.SignatureAlgorithm(alg)
	}
	signed, err := jose.ParseSignedCompact(compact, algorithms)
	if err != nil {
		return none, e.refuse("not a jws of an accepted algorithm")
	}
	var payload []byte
	for _, key := range e.keys {
		if payload, err = signed.Verify(key); err == nil {
			break
		}
	}
	if payload == nil {
		return none, e.refuse("the signature does not verify")
	}
	claims, err := jsonobj.Parse(payload, jsonobj.Limits{})
	if err != nil {
		return none, e.refuse("the payload is not a json object")
	}
	header, err := headerOf(compact)
	if err != nil {
		return none, e.refuse("the header is not a json object")
	}
	if faults := e.profile.Check(&header, &claims, e.now()); len(faults) > 0 {
		return none, e.refuse(faults[0].Error())
	}
	return claims, nil
}

// checkTimes refuses a token whose exp is past or too far away (RFC 7523 §3), or
// whose iat or nbf is in the future.
func (e *Endpoint) checkTimes(claims *jsonobj.Object) *refusal {
	now := e.now().Unix()
	at := func(name string) (int64, bool) {
		value, ok := claims.Get(name)
		if !ok {
			return 0, false
		}
		t, err := signer.NumericDate(value)
		return t.Unix(), err == nil
	}
	expires, ends := at("exp")
	issued, dated := at("iat")
	begins, delayed := at("nbf")
	switch {
	case ends && expires <= now:
		return e.refuse("expired")
	case ends && e.profile.MaxTTL > 0 && expires > now+e.profile.MaxTTL:
		return e.refuse("exp is too far away")
	case dated && issued > now:
		return e.refuse("issued in the future")
	case delayed && begins > now:
		return e.refuse("not valid yet")
	}
	return nil
}

// checkReplay refuses a jti that was used before (RFC 7523 §3), unless the profile
// sends the token with each call.
func (e *Endpoint) checkReplay(claims *jsonobj.Object) *refusal {
	id, ok := claims.Text("jti")
	if !ok || e.profile.Use == provider.Bearer {
		return nil
	}
	return e.useOnce("jti "+id, e.refuse("the jti was used before"))
}

// useOnce records what may be used once, and returns the refusal if it was used before.
func (e *Endpoint) useOnce(what string, again *refusal) *refusal {
	if e.used[what] {
		return again
	}
	e.used[what] = true
	return nil
}
