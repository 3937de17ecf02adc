package conductortest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
)

// auth grants tokens and knows which are valid.
type auth struct {
	mu        sync.Mutex
	keyID     string
	secret    string
	valid     map[string]bool
	granted   []string
	forbidden bool
	expired   int // status for a token that is not valid any more
}

func newAuth(keyID, secret string) *auth {
	return &auth{keyID: keyID, secret: secret, valid: map[string]bool{}, expired: http.StatusUnauthorized}
}

// Rotate makes the server refuse, with 401, every token granted so far.
func (s *Server) Rotate() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	clear(s.auth.valid)
	s.auth.expired = http.StatusUnauthorized
}

// ChangeKey makes the server grant tokens for another key alone, and refuse every
// token granted so far.
func (s *Server) ChangeKey(keyID, secret string) {
	s.Rotate()
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	s.auth.keyID, s.auth.secret = keyID, secret
}

// Expire makes the server refuse, with 403, every token granted so far, as some
// servers do when a token has expired.
func (s *Server) Expire() {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	clear(s.auth.valid)
	s.auth.expired = http.StatusForbidden
}

// Forbid sets whether the server answers 403 to valid tokens.
func (s *Server) Forbid(forbidden bool) {
	s.auth.mu.Lock()
	defer s.auth.mu.Unlock()
	s.auth.forbidden = forbidden
}

// Granted returns the number of granted tokens.
func (s *Server) Granted() int { return len(s.Tokens()) }

// Tokens returns every granted token.
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
	a.mu.Lock()
	valid := asked.KeyID == a.keyID && asked.KeySecret == a.secret
	a.mu.Unlock()
	if !valid {
		problem(w, http.StatusUnauthorized, "Invalid credentials of "+asked.KeyID+": "+asked.KeySecret)
		return
	}
	token := "token-" + rand.Text()
	a.mu.Lock()
	a.valid[token] = true
	a.granted = append(a.granted, token)
	a.mu.Unlock()
	writeJSON(w, map[string]string{"token": token})
}

// status returns the status for a token: 200, 401 or 403.
func (a *auth) status(token string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case token == "":
		return http.StatusUnauthorized
	case !a.valid[token]:
		return a.expired
	case a.forbidden:
		return http.StatusForbidden
	default:
		return http.StatusOK
	}
}
