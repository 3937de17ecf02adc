// Package tokenendpoint is a provider for tests: it takes the tokens that a
// profile describes, in the form that its provider wants them, and refuses all
// others as the provider would. It verifies with a library that signed none of
// them, and by a clock of its own.
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

// Endpoint is one provider: a token endpoint, and with the path /api an API
// that takes what the endpoint gave out.
type Endpoint struct {
	profile *provider.Profile
	key     any // a public key, or the bytes of a secret
	now     func() time.Time

	mu     sync.Mutex
	used   map[string]bool // jti
	issued map[string]bool // access tokens
	lose   int
	down   bool
	seen   int
	taken  int
}

// New makes the provider of a profile with which key is registered.
func New(p *provider.Profile, key any, now func() time.Time) *Endpoint {
	return &Endpoint{profile: p, key: key, now: now, used: map[string]bool{}, issued: map[string]bool{}}
}

// Lose drops the connection instead of each of the next n good answers: the
// client does not learn that its token was taken.
func (e *Endpoint) Lose(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lose = n
}

// Down has every request answered with 503, until it is called with false.
func (e *Endpoint) Down(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

// Counts gives how many tokens were handed in, and how many of them taken.
func (e *Endpoint) Counts() (seen, taken int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.seen, e.taken
}

// ServeHTTP implements [http.Handler].
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path == "/api" && e.profile.Exchange != provider.Bearer {
		e.call(w, r)
		return
	}
	token, refusal := e.handedIn(r)
	if refusal == nil {
		e.seen++
		refusal = e.take(token)
	}
	if refusal != nil {
		answer(w, refusal.status, map[string]any{"error": refusal.code, "error_description": refusal.description})
		return
	}
	e.taken++
	if e.lose > 0 {
		e.lose--
		panic(http.ErrAbortHandler)
	}
	access := rand.Text()
	e.issued[access] = true
	answer(w, http.StatusOK, e.success(access))
}

// call is the provider's API.
func (e *Endpoint) call(w http.ResponseWriter, r *http.Request) {
	access, _ := bearer(r)
	if access == "" {
		access = r.Header.Get("X-Tableau-Auth")
	}
	if !e.issued[access] {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"}) // RFC 6750 §3.1
		return
	}
	answer(w, http.StatusOK, map[string]any{"ok": true})
}

// answer writes JSON. What cannot be written has lost its reader.
func answer(w http.ResponseWriter, status int, body map[string]any) {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and numbers alone
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // RFC 6749 §5.1
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// refusal is an error answer (RFC 6749 §5.2).
type refusal struct {
	status            int
	code, description string
}

// refuse is invalid_grant, or invalid_client where the token is the client's
// (RFC 7523 §3.1, §3.2).
func (e *Endpoint) refuse(description string) *refusal {
	if e.profile.Exchange == provider.ClientAssertion {
		return &refusal{http.StatusUnauthorized, "invalid_client", description}
	}
	return &refusal{http.StatusBadRequest, "invalid_grant", description}
}

// take verifies a token, and remembers that it was used.
func (e *Endpoint) take(compact string) *refusal {
	algorithms := make([]jose.SignatureAlgorithm, len(e.profile.Algorithms))
	for i, alg := range e.profile.Algorithms {
		algorithms[i] = jose.SignatureAlgorithm(alg)
	}
	signed, err := jose.ParseSignedCompact(compact, algorithms)
	if err != nil {
		return e.refuse("not a jws of an algorithm that is taken")
	}
	payload, err := signed.Verify(e.key)
	if err != nil {
		return e.refuse("the signature does not verify")
	}
	claims, err := jsonobj.Parse(payload, jsonobj.Limits{})
	if err != nil {
		return e.refuse("the payload is no json object")
	}
	header, err := headerOf(compact)
	if err != nil {
		return e.refuse("the header is no json object")
	}
	if faults := e.profile.Check(&header, &claims, e.now()); len(faults) > 0 {
		return e.refuse(faults[0].Error())
	}
	if r := e.times(&claims); r != nil {
		return r
	}
	return e.once(&claims)
}

// times are the provider's own: RFC 7523 §3 has a token with a past exp, or
// one that is unreasonably far away, refused.
func (e *Endpoint) times(claims *jsonobj.Object) *refusal {
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

// once refuses a jti that was there before (RFC 7523 §3), but for a token that
// is sent with each call.
func (e *Endpoint) once(claims *jsonobj.Object) *refusal {
	id, ok := claims.Text("jti")
	if !ok || e.profile.Exchange == provider.Bearer {
		return nil
	}
	if e.used[id] {
		return e.refuse("the jti was used before")
	}
	e.used[id] = true
	return nil
}
