package conductor

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"conductor-jwt/internal/secret"
)

// forbiddenAfter is the min age of an access token at which a 403 may mean that
// it has expired: some servers answer 403 in place of 401.
const forbiddenAfter = time.Minute

// tokens is the access token, fetched once for all callers that wait for it.
type tokens struct {
	fetch   func(context.Context) (secret.Text, error)
	timeout time.Duration
	now     func() time.Time
	flight  singleflight.Group

	mu      sync.Mutex
	cached  secret.Text
	granted time.Time
}

// get returns the token and fetches it if there is none. The fetch goes on when
// the first caller's context ends, because others wait for it.
func (t *tokens) get(ctx context.Context) (secret.Text, error) {
	if token := t.current(); !token.IsZero() {
		return token, nil
	}
	answer := t.flight.DoChan("", func() (_ any, err error) {
		// Singleflight would end the process. The value of a panic may hold anything.
		defer func() {
			if recover() != nil {
				err = &Error{Class: Garbled, Call: callToken, Cause: ErrPanic}
			}
		}()
		if token := t.current(); !token.IsZero() {
			return token, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.timeout)
		defer cancel()
		token, err := t.fetch(ctx)
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.cached, t.granted = token, t.now()
		return token, nil
	})
	select {
	case <-ctx.Done():
		return secret.Text{}, &Error{Class: Network, Call: callToken, Cause: context.Cause(ctx)}
	case r := <-answer:
		token, ok := r.Val.(secret.Text)
		if r.Err != nil || !ok {
			return secret.Text{}, r.Err
		}
		return token, nil
	}
}

func (t *tokens) current() secret.Text {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cached
}

// mayHaveExpired reports whether a new token may be allowed what a server
// forbade with this one: there is a newer one already, or this one is old.
func (t *tokens) mayHaveExpired(forbidden secret.Text) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cached.Reveal() != forbidden.Reveal() || since(t.now, t.granted) > forbiddenAfter
}

// drop removes a token that the server refused, unless there is a newer one.
func (t *tokens) drop(refused secret.Text) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cached.Reveal() == refused.Reveal() {
		t.cached = secret.Text{}
	}
}

// fetchToken asks the server for an access token.
func (c *Client) fetchToken(ctx context.Context) (secret.Text, error) {
	login := c.login.current()
	credentials, err := json.Marshal(map[string]string{"keyId": login.keyID, "keySecret": login.password.Reveal()})
	if err != nil {
		return secret.Text{}, &Error{Class: Unauthorized, Call: callToken}
	}
	body, err := c.send(ctx, callToken, request{body: credentials}, secret.Text{})
	if err != nil {
		return secret.Text{}, refusedToken(err)
	}
	var granted struct {
		Token secret.Text `json:"token"`
	}
	if json.Unmarshal(body, &granted) != nil || granted.Token.IsZero() || !headerSafe(granted.Token.Reveal()) {
		return secret.Text{}, garbled(callToken)
	}
	return granted.Token, nil
}

// refusedToken makes every 4xx of POST /token a lack of authorization, including
// the 404 of a server without authentication: nothing is sent without a token.
func refusedToken(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Class != Forbidden && e.Class != NotFound && e.Class != Rejected {
		return err
	}
	refused := *e
	refused.Class = Unauthorized
	return &refused
}

// headerSafe reports whether a token is a valid header value. An error of
// net/http about an invalid one might quote it.
func headerSafe(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
