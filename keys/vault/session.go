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

// session is the token in use. A token is renewed when half of its life is
// over, by the call that finds it so: the keys' refreshing calls every minute.
type session struct {
	mu    sync.Mutex
	now   secret.Text
	renew time.Time // from when on it should be renewed; zero: never
	ends  time.Time // when it is worthless; zero: never
	since time.Time // when it was got
	fixed bool      // it cannot be renewed
}

const (
	// patience is between two tries for a new token while the old one is good.
	patience = 10 * time.Second
	// youth is how old a refused token has to be for another one to be of use:
	// the server says 403 of a missing permission and of an unknown token alike,
	// and a key that nobody may use must not log the worker in for each task.
	youth = 10 * time.Second
)

// token gives one to ask with.
func (c *client) token(ctx context.Context) (secret.Text, error) {
	if c.login.static != nil {
		return c.staticToken(ctx)
	}
	token, due := c.held()
	if !token.IsZero() && !due {
		return token, nil
	}
	if !c.takeTurn(ctx, token.IsZero()) {
		return token, ctx.Err() // somebody else renews it, and it is still good
	}
	defer c.giveTurn()
	if token, due = c.held(); !token.IsZero() && !due {
		return token, nil
	}
	return c.fresh(ctx, token)
}

// fresh renews the token, or logs in. While the old one is good, a fault is
// none.
func (c *client) fresh(ctx context.Context, old secret.Text) (secret.Text, error) {
	if !old.IsZero() && c.renewed(ctx, old) {
		return old, nil
	}
	g, err := c.logIn(ctx)
	if err != nil {
		if !old.IsZero() {
			c.postpone()
			return old, nil
		}
		return secret.Text{}, err
	}
	c.keep(g.Auth.ClientToken, time.Duration(g.Auth.LeaseDuration)*time.Second, g.Auth.Renewable)
	return g.Auth.ClientToken, nil
}

// renewed reports whether the server lengthened the token's life. One that is
// at its longest is given a shorter lease than before; then it is time for
// another one.
func (c *client) renewed(ctx context.Context, token secret.Text) bool {
	c.mu.Lock()
	fixed, left := c.fixed, c.ends.Sub(c.o.Now())
	c.mu.Unlock()
	if fixed {
		return false
	}
	var g grant
	if err := c.ask(ctx, http.MethodPost, "auth/token/renew-self", token, map[string]string{}, &g); err != nil {
		return false
	}
	lease := time.Duration(g.Auth.LeaseDuration) * time.Second
	if lease <= left { // of the last second, the server says 0
		return false
	}
	c.keep(token, lease, g.Auth.Renewable)
	return true
}

// staticToken reads a token that is not ours. It is renewed as long as that
// works, and is used until the server refuses it.
func (c *client) staticToken(ctx context.Context) (secret.Text, error) {
	token, err := c.login.static(ctx)
	if err != nil {
		return token, err
	}
	held, due := c.held()
	if held.Reveal() == token.Reveal() && !due || !c.takeTurn(ctx, false) {
		return token, nil
	}
	defer c.giveTurn()
	if held.Reveal() == token.Reveal() && c.renewed(ctx, token) {
		return token, nil
	}
	return token, c.look(ctx, token)
}

// look asks how long a token that is not ours lives. It is no fault where the
// server does not say.
func (c *client) look(ctx context.Context, token secret.Text) error {
	var about struct {
		Data struct {
			TTL       int64 `json:"ttl"` // seconds; 0: forever
			Renewable bool  `json:"renewable"`
		} `json:"data"`
	}
	err := c.ask(ctx, http.MethodGet, "auth/token/lookup-self", token, nil, &about)
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

// replace gives a token in place of one that was refused.
func (c *client) replace(ctx context.Context, refused secret.Text) (secret.Text, bool) {
	if c.login.static != nil {
		token, err := c.login.static(ctx)
		return token, err == nil && token.Reveal() != refused.Reveal()
	}
	if !c.takeTurn(ctx, true) {
		return secret.Text{}, false
	}
	defer c.giveTurn()
	if held, _ := c.held(); !held.IsZero() && held.Reveal() != refused.Reveal() {
		return held, true
	}
	if c.isYoung() {
		return secret.Text{}, false
	}
	g, err := c.logIn(ctx)
	if err != nil {
		return secret.Text{}, false
	}
	c.keep(g.Auth.ClientToken, time.Duration(g.Auth.LeaseDuration)*time.Second, g.Auth.Renewable)
	return g.Auth.ClientToken, true
}

func (c *client) keep(token secret.Text, lease time.Duration, renewable bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.fixed, c.renew, c.ends = token, !renewable, time.Time{}, time.Time{}
	c.since = c.o.Now()
	if lease > 0 {
		c.renew, c.ends = c.o.Now().Add(lease/2), c.o.Now().Add(lease)
	}
}

func (c *client) postpone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew = c.o.Now().Add(patience)
}

func (c *client) isYoung() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.o.Now().Sub(c.since) < youth
}

// held gives the token, unless it has ended, and whether it is to be renewed.
func (c *client) held() (token secret.Text, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.o.Now()
	if !c.ends.IsZero() && !now.Before(c.ends) {
		return secret.Text{}, true
	}
	return c.now, !c.renew.IsZero() && !now.Before(c.renew)
}

// takeTurn makes one caller at a time the one that talks about the token.
// Without wait it fails at once where another is.
func (c *client) takeTurn(ctx context.Context, wait bool) bool {
	select {
	case c.turn <- struct{}{}:
		return true
	default:
	}
	if !wait {
		return false
	}
	select {
	case c.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *client) giveTurn() { <-c.turn }
