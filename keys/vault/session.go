package vault

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// session is the token in use. The first call after half of its lifetime renews
// it; the keys' refreshing calls every minute.
type session struct {
	mu          sync.Mutex
	current     secret.Text
	issued      time.Time
	renewAt     time.Time // zero: never
	expires     time.Time // zero: never
	isRenewable bool
}

const (
	// renewRetry is the wait after a failed attempt to replace a token that is
	// still valid.
	renewRetry = 10 * time.Second
	// minAge is the minimum age at which a refused token is replaced. Vault
	// answers 403 to a missing permission and to an unknown token alike, and a
	// missing permission must not cause a login for each task.
	minAge = 10 * time.Second
)

// token returns a token for a call. It renews or replaces the current one if
// that is due.
func (c *client) token(ctx context.Context) (secret.Text, error) {
	if c.login.static != nil {
		return c.staticToken(ctx)
	}
	token, isDue := c.held()
	if !token.IsZero() && !isDue {
		return token, nil
	}
	if !c.enter(ctx, token.IsZero()) {
		return token, ctx.Err() // another call renews it, and it is still valid
	}
	defer c.leave()
	if token, isDue = c.held(); !token.IsZero() && !isDue {
		return token, nil
	}
	if !token.IsZero() && c.renew(ctx, token) {
		return token, nil
	}
	next, err := c.logIn(ctx)
	if err != nil && !token.IsZero() {
		c.postpone()
		return token, nil
	}
	return next, err
}

// renew reports whether the server extended the token's lifetime. At its maximum
// lifetime the server grants a shorter lease than what is left; then the token
// must be replaced.
func (c *client) renew(ctx context.Context, token secret.Text) bool {
	c.mu.Lock()
	isRenewable, left := c.isRenewable, c.expires.Sub(c.o.Now())
	c.mu.Unlock()
	if !isRenewable {
		return false
	}
	var g grant
	if err := c.call(ctx, http.MethodPost, "auth/token/renew-self", token, map[string]string{}, &g); err != nil {
		return false
	}
	if g.lease() <= left { // in the last second, the server says 0
		return false
	}
	c.keep(token, g.lease(), g.Auth.Renewable)
	return true
}

// staticToken reads a token that the worker did not get by logging in. It renews the token as
// long as that works, and uses it until the server refuses it.
func (c *client) staticToken(ctx context.Context) (secret.Text, error) {
	token, err := c.login.static(ctx)
	if err != nil {
		return token, err
	}
	held, isDue := c.held()
	isKnown := held.Reveal() == token.Reveal()
	if isKnown && !isDue || !c.enter(ctx, false) {
		return token, nil
	}
	defer c.leave()
	if isKnown && c.renew(ctx, token) {
		return token, nil
	}
	return token, c.lookUp(ctx, token)
}

// lookUp asks for the lifetime of a token of staticToken. A server
// that refuses to tell it is no error.
func (c *client) lookUp(ctx context.Context, token secret.Text) error {
	var about struct {
		Data struct {
			TTL       int64 `json:"ttl"` // seconds; 0: forever
			Renewable bool  `json:"renewable"`
		} `json:"data"`
	}
	err := c.call(ctx, http.MethodGet, "auth/token/lookup-self", token, nil, &about)
	switch {
	case err == nil && about.Data.Renewable:
		c.keep(token, time.Duration(about.Data.TTL)*time.Second, true)
	case err == nil, errors.Is(err, keys.ErrRefused):
		c.keep(token, 0, false)
	default:
		return err
	}
	return nil
}

// replace returns another token in place of a refused one; false if there is
// none.
func (c *client) replace(ctx context.Context, refused secret.Text) (secret.Text, bool) {
	if c.login.static != nil {
		token, err := c.login.static(ctx)
		return token, err == nil && token.Reveal() != refused.Reveal()
	}
	if !c.enter(ctx, true) {
		return secret.Text{}, false
	}
	defer c.leave()
	if held, _ := c.held(); !held.IsZero() && held.Reveal() != refused.Reveal() {
		return held, true
	}
	c.mu.Lock()
	age := c.o.Now().Sub(c.issued)
	c.mu.Unlock()
	if age < minAge {
		return secret.Text{}, false
	}
	token, err := c.logIn(ctx)
	return token, err == nil
}

// keep makes token the current one. A lease of 0 does not end.
func (c *client) keep(token secret.Text, lease time.Duration, isRenewable bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.isRenewable, c.renewAt, c.expires = token, isRenewable, time.Time{}, time.Time{}
	c.issued = c.o.Now()
	if lease > 0 {
		c.renewAt, c.expires = c.issued.Add(lease/2), c.issued.Add(lease)
	}
}

func (c *client) postpone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewAt = c.o.Now().Add(renewRetry)
}

// held returns the current token, unless it has expired, and whether it is due
// for renewal.
func (c *client) held() (token secret.Text, isDue bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.o.Now()
	if !c.expires.IsZero() && !now.Before(c.expires) {
		return secret.Text{}, true
	}
	return c.current, !c.renewAt.IsZero() && !now.Before(c.renewAt)
}

// enter acquires c.busy. It reports false if ctx ends first, or, without wait, if
// another call holds it.
func (c *client) enter(ctx context.Context, wait bool) bool {
	select {
	case c.busy <- struct{}{}:
		return true
	default:
	}
	if !wait {
		return false
	}
	select {
	case c.busy <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *client) leave() { <-c.busy }
