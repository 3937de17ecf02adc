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

// client asks Cloud KMS with a token that it gets by itself.
type client struct {
	o       Options
	rest    keyrest.Client
	machine keyrest.Client

	mu   sync.Mutex
	held token
	turn chan struct{} // held by whoever gets a token
}

// token is an access token, or a token that a service account signed itself.
type token struct {
	text secret.Text
	ends time.Time
}

// early is how long before its end a token is replaced: longer than a call,
// and shorter than the 4 minutes before which the metadata server has no other.
const early = time.Minute

// do asks, with a new token where the one that there is, is refused.
func (c *client) do(ctx context.Context, verb, path string, body, into any) error {
	t, err := c.token(ctx)
	if err != nil {
		return err
	}
	err = c.ask(ctx, verb, path, t, body, into)
	if !keyrest.Is(err, http.StatusUnauthorized) {
		return err
	}
	c.drop(t)
	if t, err = c.token(ctx); err != nil {
		return err
	}
	return c.ask(ctx, verb, path, t, body, into)
}

func (c *client) ask(ctx context.Context, verb, path string, t token, body, into any) error {
	header := http.Header{"Authorization": {"Bearer " + t.text.Reveal()}}
	return c.rest.Do(ctx, keyrest.Request{Method: verb, URL: c.o.Endpoint + "/v1/" + path, Header: header, Body: body}, into)
}

func (c *client) token(ctx context.Context) (token, error) {
	if t, ok := c.good(); ok {
		return t, nil
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return token{}, ctx.Err()
	}
	defer func() { <-c.turn }()
	if t, ok := c.good(); ok {
		return t, nil
	}
	t, err := c.fetch(ctx)
	if err != nil {
		return token{}, err
	}
	if t.text.IsZero() {
		return token{}, keys.Refused("google gave no token for the credentials", "check them")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = t
	return t, nil
}

func (c *client) good() (token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held, !c.held.text.IsZero() && c.o.Now().Add(early).Before(c.held.ends)
}

func (c *client) drop(t token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held.text.Reveal() == t.text.Reveal() {
		c.held = token{}
	}
}
