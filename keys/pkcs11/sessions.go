//go:build cgo

package pkcs11

import (
	"context"
	"runtime"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/secret"
)

// maxSessions is how many sessions of a token are used at once. A session does
// one thing at a time. Tokens limit their sessions; the lowest known limit is
// 16.
const maxSessions = 16

// token is one token with its sessions.
type token struct {
	place   place
	load    func() (*pkcs11.Ctx, error)
	limit   chan struct{} // a semaphore of maxSessions
	idle    *sessions
	refused *refusedPIN
}

func newToken(p place, refused *refusedPIN, load func() (*pkcs11.Ctx, error)) *token {
	t := &token{place: p, load: load, limit: make(chan struct{}, maxSessions), idle: &sessions{}, refused: refused}
	runtime.AddCleanup(t, func(idle *sessions) { idle.closeAll() }, t.idle)
	return t
}

// with runs f on a session. If its error says that the session or the token is
// lost, it runs f once more on a new session. A call of the module cannot be
// cancelled: if ctx ends, the call continues in its own goroutine and keeps its
// session.
func with[T any](ctx context.Context, t *token, f func(*session) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var zero T
	select {
	case t.limit <- struct{}{}:
	case <-ctx.Done():
		return zero, ctx.Err()
	}
	results := make(chan result, 1)
	go func() {
		defer func() { <-t.limit }()
		value, err := try(ctx, t, f)
		if isStale(err) {
			t.idle.closeAll()
			value, err = try(ctx, t, f)
		}
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		if r.err != nil {
			return zero, storeError(r.err)
		}
		return r.value, nil
	case <-ctx.Done():
		return zero, ctx.Err()
	}
}

func try[T any](ctx context.Context, t *token, f func(*session) (T, error)) (T, error) {
	var zero T
	s := t.idle.take()
	if s == nil {
		var err error
		if s, err = t.open(ctx); err != nil {
			return zero, err
		}
	}
	value, err := f(s)
	if err != nil {
		s.close() // it may be in the middle of an operation
		return zero, err
	}
	t.idle.put(s)
	return value, nil
}

// session is one session of a token.
type session struct {
	module *pkcs11.Ctx
	slot   uint
	handle pkcs11.SessionHandle
}

func (s *session) close() { _ = s.module.CloseSession(s.handle) } // it may be closed already

// open opens a session and logs it in. The login is valid for all sessions of
// the token, until the last one is closed.
func (t *token) open(ctx context.Context) (*session, error) {
	m, err := t.load()
	if err != nil {
		return nil, err
	}
	slot, err := t.place.slot(m)
	if err != nil {
		return nil, err
	}
	handle, err := m.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return nil, err
	}
	s := &session{m, slot, handle}
	if err := t.logIn(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// refusedPIN is the PIN that a token refused. Most tokens lock themselves after
// three wrong ones.
type refusedPIN struct {
	mu  sync.Mutex
	pin secret.Text
}

// logIn sends no PIN that the token refused.
func (t *token) logIn(ctx context.Context, s *session) error {
	if t.place.pinSource == "" {
		return nil
	}
	pin, err := readPIN(ctx, t.place.pinSource)
	if err != nil {
		return err
	}
	t.refused.mu.Lock()
	defer t.refused.mu.Unlock()
	if !t.refused.pin.IsZero() && t.refused.pin.Reveal() == pin.Reveal() {
		return storeError(pkcs11.Error(pkcs11.CKR_PIN_INCORRECT))
	}
	err = s.module.Login(s.handle, pkcs11.CKU_USER, pin.Reveal())
	switch {
	case err == nil, is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		t.refused.pin = secret.Text{}
		return nil
	case isPIN(err):
		t.refused.pin = pin
	}
	return err
}

const maxPIN = 255 // bytes

func readPIN(ctx context.Context, path string) (secret.Text, error) {
	const what, hint = "the file of the PIN", "check the file that pin-source names"
	raw, err := keyrest.ReadFile(ctx, path, maxPIN, what, hint)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(strings.TrimRight(string(raw), "\r\n")), nil
}

// sessions are the open sessions that are not in use. They close with their
// token, when no policy names it any more.
type sessions struct {
	mu   sync.Mutex
	list []*session
}

// take returns a session; nil if there is none.
func (i *sessions) take() *session {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.list) == 0 {
		return nil
	}
	s := i.list[len(i.list)-1]
	i.list = i.list[:len(i.list)-1]
	return s
}

func (i *sessions) put(s *session) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.list = append(i.list, s)
}

func (i *sessions) closeAll() {
	for s := i.take(); s != nil; s = i.take() {
		s.close()
	}
}
