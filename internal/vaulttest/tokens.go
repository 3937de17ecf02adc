package vaulttest

import (
	"fmt"
	"net/http"
	"time"
)

// token is one that was given out.
type token struct {
	ends      time.Time // zero: never
	most      time.Time // it is never renewed beyond; zero: for ever
	lease     time.Duration
	renewable bool
}

func (t *token) ended(now time.Time) bool { return !t.ends.IsZero() && !now.Before(t.ends) }

func (t *token) left(now time.Time) int64 {
	if t.ends.IsZero() {
		return 0
	}
	return int64(t.ends.Sub(now) / time.Second)
}

// Lease is what a login gives: how long a token lives, and for how long in
// all it can be renewed; none of both is for ever.
type Lease struct{ TTL, Most time.Duration }

// AppRole lets whoever has both ids log in at auth/mount/login.
func (s *Server) AppRole(mount, role, secret string, l Lease) {
	s.allow(mount, l, func(given map[string]string) bool { return given["role_id"] == role && given["secret_id"] == secret })
}

// Kubernetes lets whoever has a service account's token log in.
func (s *Server) Kubernetes(mount, role, jwt string, l Lease) {
	s.allow(mount, l, func(given map[string]string) bool { return given["role"] == role && given["jwt"] == jwt })
}

func (s *Server) allow(mount string, l Lease, good func(map[string]string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins["auth/"+mount+"/login"] = func(given map[string]string) (*token, bool) {
		return s.made(l), good(given)
	}
}

func (s *Server) made(l Lease) *token {
	t := &token{lease: l.TTL, renewable: l.TTL > 0}
	if l.TTL > 0 {
		t.ends = s.Now().Add(l.TTL)
	}
	if l.Most > 0 {
		t.most = s.Now().Add(l.Most)
	}
	return t
}

// Token makes a token by hand.
func (s *Server) Token(name string, l Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[name] = s.made(l)
}

// Revoke ends every token but the root's.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = map[string]*token{Root: {}}
}

func (s *Server) logIn(w http.ResponseWriter, login func(map[string]string) (*token, bool), body map[string]any) {
	given := map[string]string{}
	for name, v := range body {
		given[name], _ = v.(string)
	}
	t, ok := login(given)
	if !ok {
		refuse(w, http.StatusBadRequest, "invalid role or secret ID")
		return
	}
	s.issued++
	name := fmt.Sprintf("hvs.%d", s.issued)
	s.tokens[name] = t
	s.replyAuth(w, name, t)
}

func (s *Server) renew(w http.ResponseWriter, name string, t *token) {
	if !t.renewable {
		refuse(w, http.StatusBadRequest, "lease is not renewable")
		return
	}
	t.ends = s.Now().Add(t.lease)
	if !t.most.IsZero() && t.ends.After(t.most) {
		t.ends = t.most
	}
	s.replyAuth(w, name, t)
}

func (s *Server) replyAuth(w http.ResponseWriter, name string, t *token) {
	reply(w, map[string]any{"auth": map[string]any{
		"client_token": name, "lease_duration": t.left(s.Now()), "renewable": t.renewable,
	}})
}
