package conductor

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"conductor-jwt/internal/secret"
)

// errPanic is a constant text, so it may be printed.
var errPanic = errors.New("panic in the client")

// forbiddenAfter is how old an access token is at least when a 403 may mean
// that it has expired: some servers answer so in place of 401.
const forbiddenAfter = time.Minute

// tokens is the access token, fetched once for everybody who waits for it.
type tokens struct {
	fetch   func(context.Context) (secret.Text, error)
	timeout time.Duration
	now     func() time.Time
	flight  singleflight.Group

	mu      sync.Mutex
	cached  secret.Text
	granted time.Time
}

// get is the token. It goes on to be fetched when its first caller has gone:
// others wait for it.
func (t *tokens) get(ctx context.Context) (secret.Text, error) {
	if token := t.current(); !token.IsZero() {
		return token, nil
	}
	answer := t.flight.DoChan("", func() (_ any, err error) {
		// Singleflight would end the process. What a panic says may be anything.
		defer func() {
			if recover() != nil {
				err = &Error{Class: Garbled, Call: string(callToken), Cause: errPanic}
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
		return secret.Text{}, &Error{Class: Network, Call: string(callToken), Cause: context.Cause(ctx)}
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

// mayHaveExpired reports whether another token may do what a server forbade to
// this one: there is a newer one already, or this one is old.
func (t *tokens) mayHaveExpired(forbidden secret.Text) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cached.Reveal() != forbidden.Reveal() || since(t.now, t.granted) > forbiddenAfter
}

// drop forgets a token that the server refused, unless there is a newer one.
func (t *tokens) drop(refused secret.Text) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cached.Reveal() == refused.Reveal() {
		t.cached = secret.Text{}
	}
}
