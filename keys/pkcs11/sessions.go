//go:build cgo

package pkcs11

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// mostSessions of a token are in use at once. A session does one thing at a
// time; tokens have a bound of their own, the least that is seen being 16.
const mostSessions = 16

// token is one token with its sessions.
type token struct {
	place   place
	load    func() (*pkcs11.Ctx, error)
	turns   chan struct{}
	idle    *idle
	refused *refusal
}

// refusal is the pin that a token did not take; three of them lock most.
type refusal struct {
	mu  sync.Mutex
	pin secret.Text
}

// idle are the sessions that nobody uses. They close with the token they are
// of, when the policy that named it is gone.
type idle struct {
	mu   sync.Mutex
	list []*session
}

// session is one of a token.
type session struct {
	module *pkcs11.Ctx
	slot   uint
	handle pkcs11.SessionHandle
}

func (s *session) close() { _ = s.module.CloseSession(s.handle) } // it may be closed already

func newToken(p place, refused *refusal, load func() (*pkcs11.Ctx, error)) *token {
	t := &token{place: p, load: load, turns: make(chan struct{}, mostSessions), idle: &idle{}, refused: refused}
	runtime.AddCleanup(t, func(i *idle) { i.closeAll() }, t.idle)
	return t
}

func (i *idle) take() *session {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.list) == 0 {
		return nil
	}
	s := i.list[len(i.list)-1]
	i.list = i.list[:len(i.list)-1]
	return s
}

func (i *idle) put(s *session) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.list = append(i.list, s)
}

func (i *idle) closeAll() {
	for s := i.take(); s != nil; s = i.take() {
		s.close()
	}
}

// with runs f on a session, once more on a new one where what was held of the
// token is stale. The library knows no context: a call that hangs goes on
// alone when ctx ends, and keeps its session.
func with[T any](ctx context.Context, t *token, f func(*session) (T, error)) (T, error) {
	type end struct {
		value T
		err   error
	}
	var none T
	select {
	case t.turns <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	ended := make(chan end, 1)
	go func() {
		defer func() { <-t.turns }()
		value, err := attempt(t, f)
		if stale(err) {
			t.idle.closeAll()
			value, err = attempt(t, f)
		}
		ended <- end{value, err}
	}()
	select {
	case e := <-ended:
		if e.err != nil {
			return none, storeError(e.err)
		}
		return e.value, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func attempt[T any](t *token, f func(*session) (T, error)) (T, error) {
	var none T
	s := t.idle.take()
	if s == nil {
		var err error
		if s, err = t.open(); err != nil {
			return none, err
		}
	}
	value, err := f(s)
	if err != nil {
		s.close() // an operation may be left in it
		return none, err
	}
	t.idle.put(s)
	return value, nil
}

// open makes a session and logs it in. The login is the token's: all sessions
// have it, until the last is closed.
func (t *token) open() (*session, error) {
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
	if err := t.logIn(s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// logIn never shows a token the same wrong pin twice.
func (t *token) logIn(s *session) error {
	if t.place.pinSource == "" {
		return nil
	}
	pin, err := readPIN(t.place.pinSource)
	if err != nil {
		return err
	}
	r := t.refused
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.pin.IsZero() && r.pin.Reveal() == pin.Reveal() {
		return storeError(pkcs11.Error(pkcs11.CKR_PIN_INCORRECT))
	}
	err = s.module.Login(s.handle, pkcs11.CKU_USER, pin.Reveal())
	switch {
	case err == nil, is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		r.pin = secret.Text{}
		return nil
	case is(err, pkcs11.CKR_PIN_INCORRECT), is(err, pkcs11.CKR_PIN_LOCKED), is(err, pkcs11.CKR_PIN_LEN_RANGE), is(err, pkcs11.CKR_PIN_INVALID), is(err, pkcs11.CKR_PIN_EXPIRED):
		r.pin = pin
	}
	return err
}

// maxPIN is how long a file with a pin may be, in bytes.
const maxPIN = 255

func readPIN(path string) (secret.Text, error) {
	raw, err := readfile.Shared(path, maxPIN) // its caller is given up when its context ends
	if errors.Is(err, readfile.ErrTimeout) {
		return secret.Text{}, keys.Unavailable("a file with the pin that cannot be read in time", "look at the disk of what pin-source names")
	}
	pin := strings.TrimRight(string(raw), "\r\n")
	if err != nil || pin == "" || len(pin) > maxPIN {
		return secret.Text{}, keys.Refused("a file with the pin that cannot be read, is empty or too long", "check what pin-source names")
	}
	return secret.New(pin), nil
}
