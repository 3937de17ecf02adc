package gcpkms

import (
	"context"
	"net/http"
	"sync"
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// client calls Cloud KMS with an access token that it gets and replaces itself.
type client struct {
	o        Options
	kms      keyrest.Client
	metadata keyrest.Client

	login  chan struct{} // a semaphore of one: who gets a token
	mu     sync.Mutex
	cached token
}

// token is an access token, or a token that a service account signed itself.
type token struct {
	text    secret.Text
	expires time.Time
}

// renewBefore is how long before its expiry a token is replaced: longer than a
// call takes, and shorter than the 4 minutes before expiry in which the metadata
// server begins to issue a new one.
const renewBefore = time.Minute

// do calls the API. If the token is refused, it calls once more with a new one.
func (c *client) do(ctx context.Context, method, path string, body, into any) error {
	t, err := c.token(ctx)
	if err != nil {
		return err
	}
	err = c.call(ctx, method, path, t, body, into)
	if !keyrest.Is(err, http.StatusUnauthorized) {
		return err
	}
	c.drop(t)
	if t, err = c.token(ctx); err != nil {
		return err
	}
	return c.call(ctx, method, path, t, body, into)
}

func (c *client) call(ctx context.Context, method, path string, t token, body, into any) error {
	header := http.Header{"Authorization": {"Bearer " + t.text.Reveal()}}
	return c.kms.Do(ctx, keyrest.Request{Method: method, URL: c.o.Endpoint + "/v1/" + path, Header: header, Body: body}, into)
}

// token returns the cached token, or gets a new one: one caller at a time.
func (c *client) token(ctx context.Context) (token, error) {
	if t, ok := c.valid(); ok {
		return t, nil
	}
	select {
	case c.login <- struct{}{}:
	case <-ctx.Done():
		return token{}, ctx.Err()
	}
	defer func() { <-c.login }()
	if t, ok := c.valid(); ok {
		return t, nil
	}
	t, err := c.fetch(ctx)
	if err != nil {
		return token{}, err
	}
	if t.text.IsZero() {
		return token{}, keys.Refused("Google returned no token for the credentials", "check them")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cached = t
	return t, nil
}

func (c *client) valid() (token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cached, !c.cached.text.IsZero() && c.o.Now().Add(renewBefore).Before(c.cached.expires)
}

func (c *client) drop(t token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cached.text.Reveal() == t.text.Reveal() {
		c.cached = token{}
	}
}
