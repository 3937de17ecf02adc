package exchange_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/exchange"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// result is what one of several callers got.
type result struct {
	token  string
	shared bool
	err    error
}

// callers asks for n tokens at once.
func (f *fixture) callers(ctx context.Context, n int, r exchange.Request) chan result {
	results := make(chan result, n)
	for range n {
		go func() {
			token, shared, err := f.x.Token(ctx, r)
			results <- result{token.AccessToken.Reveal(), shared, err}
		}()
	}
	return results
}

// brokenKey has neither a public half nor a secret that package keys knows.
type brokenKey struct{ keys.Key }

func (brokenKey) Public() crypto.PublicKey { return nil }

func TestAHundredCallersCauseOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 50)
		f.answer = func(_ context.Context, n int) (outbound.Response, error) {
			time.Sleep(900 * time.Millisecond)
			return granted(n, 3600), nil
		}
		results := f.callers(t.Context(), 100, f.request())
		shared := 0
		for range 100 {
			r := <-results
			if r.err != nil || r.token != "token-1" {
				t.Errorf("%q, %v", r.token, r.err)
			}
			if r.shared {
				shared++
			}
		}
		if f.posted() != 1 || f.signs != 1 || shared != 99 {
			t.Errorf("%d posts, %d assertions, %d shared", f.posted(), f.signs, shared)
		}
	})
}

func TestACallerThatEndsDoesNotEndTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		f.answer = func(ctx context.Context, n int) (outbound.Response, error) {
			time.Sleep(time.Second)
			return granted(n, 3600), ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		leader := f.callers(ctx, 1, f.request())
		synctest.Wait()
		waiter := f.callers(t.Context(), 1, f.request())
		synctest.Wait()
		cancel()
		if r := <-leader; !errors.Is(r.err, exchange.ErrUnavailable) {
			t.Errorf("the leader: %v", r.err)
		}
		if r := <-waiter; r.err != nil || r.token != "token-1" || !r.shared {
			t.Errorf("the waiter: %+v", r)
		}
		if f.posted() != 1 {
			t.Errorf("%d posts", f.posted())
		}
	})
}

func TestACallerThatEndsWhileItSignsLeavesTheExchangeToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		ctx, cancel := context.WithCancel(t.Context())
		slow := f.request()
		slow.Sign = func(ctx context.Context) (secret.Text, error) {
			<-ctx.Done()
			return secret.Text{}, keys.Unavailable("the task's time is up", "")
		}
		leader := f.callers(ctx, 1, slow)
		synctest.Wait()
		waiters := f.callers(t.Context(), 2, f.request())
		synctest.Wait()
		cancel()
		if r := <-leader; !errors.Is(r.err, keys.ErrUnavailable) {
			t.Errorf("the leader: %v", r.err)
		}
		for range 2 {
			if r := <-waiters; r.err != nil || r.token != "token-1" {
				t.Errorf("a waiter: %+v", r)
			}
		}
		if f.posted() != 1 {
			t.Errorf("%d posts", f.posted())
		}
	})
}

func TestWaitersShareAFailure(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		body   string
		reason error
	}{
		"refused":     {400, `{"error":"invalid_grant"}`, exchange.ErrRefused},
		"unavailable": {500, "", exchange.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 50)
				f.answer = func(context.Context, int) (outbound.Response, error) {
					time.Sleep(time.Second)
					return answered(row.status, row.body), nil
				}
				results := f.callers(t.Context(), 10, f.request())
				for range 10 {
					if r := <-results; !errors.Is(r.err, row.reason) {
						t.Error(r.err)
					}
				}
				if f.posted() != 1 {
					t.Errorf("%d posts", f.posted())
				}
				f.fails(f.request(), row.reason) // a later caller tries anew
				if f.posted() != 2 || f.signs != 2 {
					t.Errorf("%d posts, %d assertions", f.posted(), f.signs)
				}
			})
		})
	}
}

func TestAnErrorOfSignIsReturnedAsItIs(t *testing.T) {
	f := newFixture(t, 8)
	r := f.request()
	r.Sign = func(context.Context) (secret.Text, error) { return secret.Text{}, keys.Unavailable("x", "") }
	for range 10 { // the provider has no part in it
		f.fails(r, keys.ErrUnavailable)
	}
	if f.posted() != 0 {
		t.Error("it is posted")
	}
	f.wants(f.request(), "token-1", false)
}

func TestAPanicEndsTheFlight(t *testing.T) {
	t.Run("of Sign", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, 4) // one call at a time
			broken, entered := f.request(), make(chan struct{})
			broken.Sign = func(context.Context) (secret.Text, error) { <-entered; panic("a bug") }
			go func() {
				defer func() { _ = recover() }()
				_, _, _ = f.token(broken)
				t.Error("it did not panic")
			}()
			synctest.Wait()
			waiter := f.callers(t.Context(), 1, f.request())
			synctest.Wait()
			close(entered)
			if r := <-waiter; r.err != nil || r.token != "token-1" {
				t.Errorf("the waiter: %+v", r)
			}
		})
	})
	t.Run("of the request", func(t *testing.T) {
		f := newFixture(t, 4)
		f.answer = func(context.Context, int) (outbound.Response, error) { panic("a bug") }
		f.fails(f.request(), exchange.ErrUnavailable)
		f.answer = nil
		f.wants(f.request(), "token-2", false)
	})
}

// Eight slots: a provider may use two of them.
func TestASlowProviderHoldsAQuarterOfTheSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		release := make(chan struct{})
		f.answer = func(_ context.Context, n int) (outbound.Response, error) {
			<-release
			return granted(n, 3600), nil
		}
		tenant := func(i int) exchange.Request {
			r := withSubject(f.request(), fmt.Sprint(i))
			r.Input.URL = fmt.Sprintf("https://tenant-%d.example/token", i)
			return r
		}
		flying := []chan result{f.callers(t.Context(), 1, tenant(1)), f.callers(t.Context(), 1, tenant(2))}
		synctest.Wait()
		began := time.Now()
		f.fails(tenant(3), exchange.ErrUnavailable)
		if took := time.Since(began); took != 0 {
			t.Errorf("the third exchange of the provider is refused after %s", took)
		}
		crowd := f.callers(t.Context(), 20, tenant(1))
		for range 20 {
			if r := <-crowd; !errors.Is(r.err, exchange.ErrUnavailable) {
				t.Error(r.err)
			}
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("tasks beyond a quarter of the slots wait for %s", took)
		}
		other := tenant(4)
		other.Profile.Name = "other"
		elsewhere := f.callers(t.Context(), 1, other)
		synctest.Wait()
		if f.posted() != 3 {
			t.Errorf("%d posts: another provider is not called", f.posted())
		}
		close(release)
		for _, results := range append(flying, elsewhere) {
			if r := <-results; r.err != nil {
				t.Error(r.err)
			}
		}
		f.wants(tenant(1), (<-f.callers(t.Context(), 1, tenant(1))).token, true)
	})
}

func TestTheBreakerOpensAfterFiveFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		f.answer = always(http.StatusBadRequest, `{"error":"invalid_grant"}`)
		for range 10 {
			f.fails(f.request(), exchange.ErrRefused)
		}
		if f.posted() != 10 {
			t.Errorf("%d posts of 10: a refusal is no failure of the provider", f.posted())
		}
		f.answer = func(_ context.Context, n int) (outbound.Response, error) {
			if n == 15 {
				return answered(http.StatusBadRequest, `{"error":"invalid_grant"}`), nil
			}
			return answered(http.StatusBadGateway, ""), nil
		}
		for range 20 {
			_, _, _ = f.token(f.request())
		}
		if f.posted() != 20 {
			t.Errorf("%d posts, want 10 more: four failures, a refusal and five failures", f.posted())
		}
		elsewhere := f.request()
		elsewhere.Input.URL = "https://other.example/token"
		f.answer = nil
		f.wants(elsewhere, "token-21", false)
		time.Sleep(5 * time.Second)
		f.wants(f.request(), "token-22", false)
	})
}

func TestAnAnswerThatIsNoOutageDoesNotOpenTheBreaker(t *testing.T) {
	for name, answer := range map[string]func(context.Context, int) (outbound.Response, error){
		"throttled":            always(http.StatusTooManyRequests, ""),
		"no such path":         always(http.StatusNotFound, "<html>"),
		"a redirect":           always(http.StatusFound, ""),
		"no token":             always(http.StatusOK, `{}`),
		"a token that expired": always(http.StatusOK, `{"access_token":"x","expires_in":0}`),
		"an answer that is too long": func(context.Context, int) (outbound.Response, error) {
			return outbound.Response{}, &fault.Error{Reason: outbound.ErrTooLarge}
		},
		"an address that is not permitted": func(context.Context, int) (outbound.Response, error) {
			return outbound.Response{}, &fault.Error{Reason: outbound.ErrAddress}
		},
	} {
		f := newFixture(t, 8)
		f.answer = answer
		for range 10 {
			_, _, _ = f.token(f.request())
		}
		if f.posted() != 10 {
			t.Errorf("%s: %d posts of 10", name, f.posted())
		}
	}
}

// A provider that asks to wait does not take a token away that is still valid.
func TestRetryAfterOfARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		f.wants(f.request(), "token-1", false)
		f.answer = func(context.Context, int) (outbound.Response, error) {
			r := answered(http.StatusTooManyRequests, "")
			r.Header.Set("Retry-After", "20")
			return r, nil
		}
		time.Sleep(3000 * time.Second)
		for range 4 { // the first renews
			f.wants(f.request(), "token-1", true)
			time.Sleep(6 * time.Second)
		}
		if f.posted() != 2 {
			t.Errorf("%d posts", f.posted())
		}
		f.wants(f.request(), "token-1", true)
		synctest.Wait()
		if f.posted() != 3 {
			t.Errorf("%d posts after the wait", f.posted())
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	date := time.Date(2000, 1, 1, 0, 0, 30, 0, time.UTC).Format(http.TimeFormat) // synctest begins at midnight
	for header, want := range map[string]time.Duration{"20": 20 * time.Second, date: 30 * time.Second, "3600": time.Minute} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(status, " ", header), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture(t, 8)
					f.answer = func(context.Context, int) (outbound.Response, error) {
						r := answered(status, "")
						r.Header.Set("Retry-After", header)
						return r, nil
					}
					if got := exchange.RetryAfterOf(f.failure(f.request(), exchange.ErrUnavailable)); got != want {
						t.Errorf("%s, want %s", got, want)
					}
					f.answer = nil
					f.wants(withSubject(f.request(), "another token"), "token-2", false)
					time.Sleep(want - time.Second)
					if got := exchange.RetryAfterOf(f.failure(f.request(), exchange.ErrUnavailable)); got != time.Second {
						t.Errorf("a second before: %s", got)
					}
					if f.posted() != 2 {
						t.Errorf("%d posts", f.posted())
					}
					time.Sleep(time.Second)
					f.wants(f.request(), "token-3", false)
				})
			})
		}
	}
}

func TestACallerMayWaitNoLongerThanItsTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		f.answer = func(_ context.Context, n int) (outbound.Response, error) {
			time.Sleep(9 * time.Second)
			return granted(n, 3600), nil
		}
		for i := range 5 { // they wait no more
			f.wants(withSubject(f.request(), fmt.Sprint(i)), fmt.Sprintf("token-%d", i+1), false)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, _, err := f.x.Token(ctx, f.request())
		if e, ok := errors.AsType[*fault.Error](err); !ok || !errors.Is(e, exchange.ErrUnavailable) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		time.Sleep(6 * time.Second)
		f.wants(f.request(), "token-6", true)
	})
}
