package vaulttest

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// token is one that was given out.
type token struct {
	ends      time.Time // zero: never
	most      time.Time // it is never renewed beyond; zero: forever
	lease     time.Duration
	renewable bool
}

// usual is how long a token lives, and can be renewed, where nothing is said.
const usual = 768 * time.Hour

func (t *token) ended(now time.Time) bool { return !t.ends.IsZero() && !now.Before(t.ends) }

func (t *token) left(now time.Time) int64 {
	if t.ends.IsZero() {
		return 0
	}
	return int64(t.ends.Sub(now) / time.Second)
}

// Lease is what a login gives: how long a token lives, and for how long in
// all it can be renewed. A token with a period lives as long after each
// renewal, forever. The default is that of Vault: 768 hours.
type Lease struct {
	TTL, Most, Period time.Duration
	Fixed             bool // it cannot be renewed
}

// login is a way to log in.
type login struct {
	lease Lease
	good  func(map[string]string) bool
	uses  int // left; below 0: any number

	// The answer to what is no good, which differs between methods.
	status int
	says   string

	locks  bool // whoever fails too often
	failed int
	last   time.Time // that one failed
}

const (
	// After so many failures, none of them lockFor after the one before, a role
	// of AppRole is refused for as long, whatever secret id comes with it.
	lockAfter = 5
	lockFor   = 15 * time.Minute
)

// AppRole lets whoever has both ids log in at auth/mount/login.
func (s *Server) AppRole(mount, role, secret string, l Lease) {
	good := func(given map[string]string) bool { return given["role_id"] == role && given["secret_id"] == secret }
	s.allow(mount, &login{lease: l, uses: -1, good: good, status: http.StatusBadRequest, says: "invalid role or secret ID", locks: true})
}

// LimitLogins lets the secret id of a mount be used so often; 0: any number.
func (s *Server) LimitLogins(mount string, uses int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins["auth/"+mount+"/login"].uses = cmp.Or(uses, -1)
}

// Kubernetes lets whoever has a service account's token log in.
func (s *Server) Kubernetes(mount, role, jwt string, l Lease) {
	good := func(given map[string]string) bool { return given["role"] == role && given["jwt"] == jwt }
	s.allow(mount, &login{lease: l, uses: -1, good: good, status: http.StatusForbidden, says: many("permission denied")})
}

func (s *Server) allow(mount string, l *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins["auth/"+mount+"/login"] = l
}

// try reports whether somebody may log in.
func (l *login) try(given map[string]string, now time.Time) *problem {
	recent := now.Sub(l.last) < lockFor
	switch {
	case l.locks && recent && l.failed >= lockAfter:
		return &problem{http.StatusForbidden, "permission denied"}
	case l.uses != 0 && l.good(given):
		l.failed, l.uses = 0, max(-1, l.uses-1)
		return nil
	case !recent:
		l.failed = 0
	}
	l.failed++
	l.last = now
	return &problem{l.status, l.says}
}

func (s *Server) made(l Lease) *token {
	t := &token{lease: cmp.Or(l.Period, l.TTL, usual), renewable: !l.Fixed}
	if l.Period == 0 {
		t.most = s.Now().Add(cmp.Or(l.Most, usual))
	}
	t.extend(s.Now())
	return t
}

func (t *token) extend(now time.Time) {
	t.ends = now.Add(t.lease)
	if !t.most.IsZero() && t.ends.After(t.most) {
		t.ends = t.most
	}
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

// RevokeToken ends one token.
func (s *Server) RevokeToken(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, name)
}

func (s *Server) logIn(w http.ResponseWriter, l *login, body map[string]any) {
	given := map[string]string{}
	for name, v := range body {
		given[name], _ = v.(string)
	}
	if p := l.try(given, s.Now()); p != nil {
		refuse(w, p.status, p.text)
		return
	}
	t := s.made(l.lease)
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
	t.extend(s.Now())
	s.replyAuth(w, name, t)
}

func (s *Server) replyAuth(w http.ResponseWriter, name string, t *token) {
	reply(w, map[string]any{"auth": map[string]any{
		"client_token": name, "lease_duration": t.left(s.Now()), "renewable": t.renewable,
	}})
}
