package vaulttest

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// token is an issued token.
type token struct {
	expires   time.Time // zero: never
	max       time.Time // the end of its last renewal; zero: none
	lease     time.Duration
	renewable bool
}

// defaultTTL is the default lifetime of a token, with and without renewals.
const defaultTTL = 768 * time.Hour

func (t *token) expired(now time.Time) bool { return !t.expires.IsZero() && !now.Before(t.expires) }

func (t *token) left(now time.Time) int64 {
	if t.expires.IsZero() {
		return 0
	}
	return int64(t.expires.Sub(now) / time.Second)
}

// Lease is the lifetime of a token, and its maximum lifetime with renewals. A
// token with a period is extended by it at each renewal, without a maximum. The
// default is that of Vault: 768 hours.
type Lease struct {
	TTL, MaxTTL, Period time.Duration
	NotRenewable        bool
}

// login is an auth method.
type login struct {
	lease Lease
	good  func(map[string]string) bool
	uses  int // left; negative: any number

	// The answer to wrong credentials, which differs between methods.
	status int
	says   string

	locks  bool // after several failures
	failed int
	last   time.Time // of the last failure
}

const (
	// After lockAfter failures, each within lockFor of the one before it, an
	// AppRole is refused for lockFor, with any secret id.
	lockAfter = 5
	lockFor   = 15 * time.Minute
)

// AppRole permits a login with both ids at auth/mount/login.
func (s *Server) AppRole(mount, role, secret string, l Lease) {
	good := func(given map[string]string) bool { return given["role_id"] == role && given["secret_id"] == secret }
	s.allow(mount, &login{lease: l, uses: -1, good: good, status: http.StatusBadRequest, says: "invalid role or secret ID", locks: true})
}

// LimitLogins limits the uses of the secret id of a mount; 0: any number.
func (s *Server) LimitLogins(mount string, uses int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins["auth/"+mount+"/login"].uses = cmp.Or(uses, -1)
}

// Kubernetes permits a login with a service account's token.
func (s *Server) Kubernetes(mount, role, jwt string, l Lease) {
	good := func(given map[string]string) bool { return given["role"] == role && given["jwt"] == jwt }
	s.allow(mount, &login{lease: l, uses: -1, good: good, status: http.StatusForbidden, says: wrapped("permission denied")})
}

func (s *Server) allow(mount string, l *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins["auth/"+mount+"/login"] = l
}

// try returns why a login is refused; nil if it is not.
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

func (s *Server) newToken(l Lease) *token {
	t := &token{lease: cmp.Or(l.Period, l.TTL, defaultTTL), renewable: !l.NotRenewable}
	if l.Period == 0 {
		t.max = s.Now().Add(cmp.Or(l.MaxTTL, defaultTTL))
	}
	t.extend(s.Now())
	return t
}

func (t *token) extend(now time.Time) {
	t.expires = now.Add(t.lease)
	if !t.max.IsZero() && t.expires.After(t.max) {
		t.expires = t.max
	}
}

// Token issues a token of that name.
func (s *Server) Token(name string, l Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[name] = s.newToken(l)
}

// Revoke revokes every token but [Root].
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = map[string]*token{Root: {}}
}

// RevokeToken revokes one token.
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
	t := s.newToken(l.lease)
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
