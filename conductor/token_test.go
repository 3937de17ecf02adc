package conductor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/secret"
)

func newTokens(fetch func(context.Context) (secret.Text, error)) *tokens {
	return &tokens{fetch: fetch, timeout: time.Minute, now: time.Now}
}

// When the first caller's context ends, the token is still fetched for the others.
func TestTokenFetchOutlivesItsFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		tokens := newTokens(func(ctx context.Context) (secret.Text, error) {
			fetched++
			select {
			case <-time.After(10 * time.Second):
				return secret.New("t"), nil
			case <-ctx.Done():
				return secret.Text{}, ctx.Err()
			}
		})
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		stayed := make(chan error, 1)
		go func() {
			<-ctx.Done()
			token, err := tokens.get(context.WithoutCancel(ctx))
			if err == nil && token.Reveal() != "t" {
				err = errors.New("another token")
			}
			stayed <- err
		}()
		_, err := tokens.get(ctx)
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != Network || e.Call != "token" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who left got %v", err)
		}
		if err := <-stayed; err != nil || fetched != 1 {
			t.Errorf("who stayed got %v; fetched %d times, want once", err, fetched)
		}
	})
}

func TestTokenFetchTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := newTokens(func(ctx context.Context) (secret.Text, error) {
			<-ctx.Done()
			return secret.Text{}, ctx.Err()
		})
		began := time.Now()
		if _, err := tokens.get(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestTokenIsFetchedAgainAfterFailure(t *testing.T) {
	answers := []func() (secret.Text, error){
		func() (secret.Text, error) { panic("a secret") },
		func() (secret.Text, error) { return secret.Text{}, errors.New("refused") },
		func() (secret.Text, error) { return secret.New("good"), nil },
	}
	asked := 0
	tokens := newTokens(func(context.Context) (secret.Text, error) {
		asked++
		return answers[asked-1]()
	})
	_, err := tokens.get(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Class != Garbled || e.Call != "token" || !errors.Is(err, ErrPanic) {
		t.Errorf("a panic is %v", err)
	}
	if _, err := tokens.get(t.Context()); err == nil || err.Error() != "refused" {
		t.Errorf("a refusal is %v", err)
	}
	for range 2 { // the second time it is known
		if token, err := tokens.get(t.Context()); err != nil || token.Reveal() != "good" || asked != 3 {
			t.Errorf("got %v after %d questions", err, asked)
		}
	}
	tokens.drop(secret.New("an older one"))
	if tokens.current().IsZero() {
		t.Error("a newer token was dropped with an older one")
	}
	tokens.drop(secret.New("good"))
	if !tokens.current().IsZero() {
		t.Error("a refused token was kept")
	}
}

func TestHeaderSafe(t *testing.T) {
	for token, safe := range map[string]bool{"": true, "!": true, "~": true, "a.b-c_d": true, " ": false, "\x7f": false, "a\n": false, "\x80": false, "\x00": false} {
		if headerSafe(token) != safe {
			t.Errorf("%q is safe: %v", token, !safe)
		}
	}
}
