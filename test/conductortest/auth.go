package conductortest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"slices"
	"sync"
)

// auth grants tokens and knows which are good.
type auth struct {
	keyID, secret string

	mu        sync.Mutex
	good      map[string]bool
	granted   []string
	forbidden bool
	expired   int // what a token that is no longer good answers
}

func newAuth(keyID, secret string) *auth {
	return &auth{keyID: keyID, secret: secret, good: map[string]bool{}, expired: http.StatusUnauthorized}
}

// Rotate makes every token that was granted so far answer 401.
func (s *Server) Rotate() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	clear(s.auth.good)
	s.auth.expired = http.StatusUnauthorized
}

// Expire makes every token that was granted so far answer 403, as some servers
// do when a token has expired.
func (s *Server) Expire() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	clear(s.auth.good)
	s.auth.expired = http.StatusForbidden
}

// Forbid makes every good token answer 403, or ends that.
func (s *Server) Forbid(yes bool) {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	s.auth.forbidden = yes
}

// Granted is how many tokens were granted.
func (s *Server) Granted() int { return len(s.Tokens()) }

// Tokens is every token that was granted.
func (s *Server) Tokens() []string {
	if s.auth == nil {
		return nil
	}
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	return slices.Clone(s.auth.granted)
}

// grant is POST /api/token.
func (a *auth) grant(w http.ResponseWriter, r *http.Request) {
	var asked struct{ KeyID, KeySecret string }
	if json.NewDecoder(r.Body).Decode(&asked) != nil {
		problem(w, http.StatusBadRequest, "cannot read credentials")
		return
	}
	if asked.KeyID != a.keyID || asked.KeySecret != a.secret {
		problem(w, http.StatusUnauthorized, "Invalid credentials of "+asked.KeyID+": "+asked.KeySecret)
		return
	}
	token := "token-" + rand.Text()
	a.mu.Lock()
	a.good[token] = true
	a.granted = append(a.granted, token)
	a.mu.Unlock()
	answer(w, map[string]string{"token": token})
}

// status is what a token is worth: 200, 401 or 403.
func (a *auth) status(token string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case token == "":
		return http.StatusUnauthorized
	case !a.good[token]:
		return a.expired
	case a.forbidden:
		return http.StatusForbidden
	default:
		return http.StatusOK
	}
}

// quiet keeps the faults that a test asks for out of its output.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
