package exchange_test

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/exchange"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/keys"
)

func TestATokenIsKeptUntilAFifthOfItsLifeIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		f.wants(f.request(), "token-1", false)
		time.Sleep(2880*time.Second - time.Nanosecond)
		f.wants(f.request(), "token-1", true)
		if f.posted() != 1 {
			t.Fatalf("%d posts", f.posted())
		}
		time.Sleep(time.Nanosecond)
		f.wants(f.request(), "token-1", true) // and is renewed meanwhile
		synctest.Wait()
		f.wants(f.request(), "token-2", true)
		if f.posted() != 2 {
			t.Errorf("%d posts", f.posted())
		}
	})
}

func TestATokenWithLessThanTheMinLifetimeIsNotGivenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		f.answer = func(_ context.Context, n int) (outbound.Response, error) {
			time.Sleep(time.Second)
			return granted(n, 100), nil
		}
		r := f.request()
		f.wants(r, "token-1", false)
		time.Sleep(39 * time.Second) // the life counts from the request
		f.wants(r, "token-1", true)  // 60 s are left, and 60 s are wanted
		time.Sleep(time.Nanosecond)
		f.wants(r, "token-2", false)
		r.MinLifetime = 101 * time.Second
		f.wants(r, "token-3", false)
		f.wants(r, "token-4", false)
		r.MinLifetime = 0
		time.Sleep(98 * time.Second)
		f.wants(r, "token-4", true)
		time.Sleep(time.Second)
		f.wants(r, "token-5", true)
		time.Sleep(100 * time.Second)
		f.wants(r, "token-6", false)
	})
}

// During an outage of the provider, kept tokens that are valid are returned.
func TestARenewalThatFailsIsTriedAgainAfterFiveSeconds(t *testing.T) {
	for name, answer := range map[string]func(context.Context, int) (outbound.Response, error){
		"away":    always(http.StatusServiceUnavailable, ""),
		"refused": always(http.StatusBadRequest, `{"error":"invalid_grant"}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 8)
				f.wants(f.request(), "token-1", false)
				time.Sleep(3000 * time.Second)
				f.answer = answer
				for range 3 {
					f.wants(f.request(), "token-1", true)
					synctest.Wait()
				}
				if f.posted() != 2 {
					t.Errorf("%d posts", f.posted())
				}
				time.Sleep(5 * time.Second)
				f.wants(f.request(), "token-1", true)
				synctest.Wait()
				if f.posted() != 3 {
					t.Errorf("%d posts after five seconds", f.posted())
				}
				time.Sleep(540 * time.Second) // 55 s are left
				if _, _, err := f.token(f.request()); err == nil {
					t.Error("a token with less than its min lifetime is given out")
				}
			})
		})
	}
}

func TestFreshUsesNoKeptToken(t *testing.T) {
	f := newFixture(t, 8)
	f.wants(f.request(), "token-1", false)
	r := f.request()
	r.Fresh = true
	f.wants(r, "token-2", false)
	f.wants(f.request(), "token-2", true)
	f.wants(r, "token-3", false)
}

// The parts of the key, one at a time.
func TestRequestsThatDifferDoNotShareAToken(t *testing.T) {
	secretA, secretB := generated(t, keys.HS256), generated(t, keys.HS256)
	for name, change := range map[string]func(*exchange.Request){
		"the provider": func(r *exchange.Request) { r.Profile.Name = "other" },
		"the profile":  func(r *exchange.Request) { r.Profile = r.Profile.Extend("test-2", r.Profile.Overrides) },
		"the endpoint": func(r *exchange.Request) { r.Input.URL += "2" },
		"the key":      func(r *exchange.Request) { r.Key = generated(t, keys.EdDSA) },
		"the provider of a profile with this name": func(r *exchange.Request) {
			r.Profile.Name = "other"
			r.Profile = r.Profile.Extend("test", r.Profile.Overrides)
		},
		"a name that makes the same text": func(r *exchange.Request) {
			r.Profile.Name = "te"
			r.Profile = r.Profile.Extend("sttest", r.Profile.Overrides)
		},
		"a secret":    func(r *exchange.Request) { r.Key = secretA },
		"a parameter": func(r *exchange.Request) { r.Input.Parameters.String("resource", "x") },
		"another parameter with the value": func(r *exchange.Request) {
			r.Input.Parameters.String("clientSecret", "x")
		},
		"the subject":      func(r *exchange.Request) { *r = withSubject(*r, "c") },
		"the issuer":       func(r *exchange.Request) { r.Input.Claims.String("iss", "c") },
		"the audience":     func(r *exchange.Request) { r.Input.Claims.String("aud", "c") },
		"the scope":        func(r *exchange.Request) { r.Input.Claims.String("scope", "c") },
		"a scope in order": func(r *exchange.Request) { r.Input.Claims.String("scope", "d c") },
		"another claim":    func(r *exchange.Request) { r.Input.Claims.Set("n", jsontext.Value("1")) },
		"its digits":       func(r *exchange.Request) { r.Input.Claims.Set("n", jsontext.Value("1.0")) },
		"its type":         func(r *exchange.Request) { r.Input.Claims.String("n", "1") },
		"the key id":       func(r *exchange.Request) { r.KeyID = "x" },
		"the type":         func(r *exchange.Request) { r.Header.String("typ", "x") },
		"a key id that is a type": func(r *exchange.Request) {
			r.KeyID = `{"typ":"x"}`
		},
		"a claim that looks like the end of another": func(r *exchange.Request) {
			r.Input.Claims.String("sub", `b","n":"1`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 8)
			f.wants(f.request(), "token-1", false)
			r := f.request()
			change(&r)
			f.wants(r, "token-2", false)
			f.wants(r, "token-2", true)
			f.wants(f.request(), "token-1", true)
		})
	}
	t.Run("HMAC secrets of the same issuer", func(t *testing.T) {
		f := newFixture(t, 8)
		a, b := f.request(), f.request()
		a.Key, b.Key = secretA, secretB
		f.wants(a, "token-1", false)
		f.wants(b, "token-2", false)
		f.wants(a, "token-1", true)
	})
}

func TestWhatEachAssertionHasAnewMakesNoDifference(t *testing.T) {
	f := newFixture(t, 8)
	f.wants(f.request(), "token-1", false)
	r := f.request()
	for _, name := range []string{"iat", "exp", "nbf"} {
		r.Input.Claims.Int(name, 99)
	}
	r.Input.Claims.String("jti", "x")
	f.wants(r, "token-1", true)
	r.Input.Claims.Delete("iss")
	r.Input.Claims.String("iss", "a") // in another order
	r.MinLifetime = 0
	f.wants(r, "token-1", true)
	r.Input.Parameters.String("resource", "x")
	r.Input.Parameters.String("clientSecret", "y")
	f.wants(r, "token-2", false)
	r.Input.Parameters.Delete("resource")
	r.Input.Parameters.String("resource", "x")
	f.wants(r, "token-2", true)
}

func TestATokenWithoutKnownEndIsNotKept(t *testing.T) {
	f := newFixture(t, 8)
	f.answer = always(http.StatusOK, `{"access_token":"x"}`)
	f.wants(f.request(), "x", false)
	f.wants(f.request(), "x", false)
	if n := metrics(t, f.x)["cache_entries{}"]; n != 0 {
		t.Errorf("%v entries", n)
	}
}

func TestATokenThatHasExpiredAlreadyIsNoToken(t *testing.T) {
	for _, body := range []string{
		`{"access_token":"x","expires_in":0}`, `{"access_token":"x","expires_at":"2020-01-01T00:00:00Z"}`,
	} {
		f := newFixture(t, 8)
		f.answer = always(http.StatusOK, body)
		f.fails(f.request(), exchange.ErrUnavailable)
	}
}

// A clock that is set does not make a token live longer.
func TestClockSteps(t *testing.T) {
	for name, step := range map[string]time.Duration{"back": -time.Hour, "forward": time.Hour} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 8)
			now := time.Now().Round(0) // without a monotonic clock
			f.now = func() time.Time { return now }
			f.wants(f.request(), "token-1", false)
			f.wants(f.request(), "token-1", true)
			now = now.Add(step)
			f.wants(f.request(), "token-2", false)
			f.wants(f.request(), "token-2", true)
		})
	}
}

func TestAtMostAThousandTokensAreKept(t *testing.T) {
	f := newFixture(t, 8)
	r := f.request()
	for i := range 1001 {
		f.wants(withSubject(r, fmt.Sprint(i)), fmt.Sprintf("token-%d", i+1), false)
		if i == 999 {
			f.wants(withSubject(r, "0"), "token-1", true)
		}
	}
	if n := metrics(t, f.x)["cache_entries{}"]; n != 1000 {
		t.Errorf("%v entries", n)
	}
	f.wants(withSubject(r, "0"), "token-1", true) // used since
	f.wants(withSubject(r, "1"), "token-1002", false)
}

func TestTheTokenOfAKeyThatNoLongerSignsIsDropped(t *testing.T) {
	other := generated(t, keys.EdDSA)
	for name, row := range map[string]struct {
		active func(key keys.Key) (keys.Key, bool)
		want   float64 // kept
	}{
		"it signs":        {func(key keys.Key) (keys.Key, bool) { return key, true }, 1},
		"it is not known": {func(keys.Key) (keys.Key, bool) { return nil, false }, 1},
		"it is retired":   {func(keys.Key) (keys.Key, bool) { return other, true }, 0},
		"it is revoked":   {func(keys.Key) (keys.Key, bool) { return nil, true }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, 8)
				r := f.request()
				r.KeyName = "k"
				f.wants(r, "token-1", false)
				f.wants(withSubject(f.request(), "of a task's own key"), "token-2", false)
				f.mu.Lock()
				f.active = func(name string) (keys.Key, bool) {
					if name != "k" {
						t.Errorf("the key %q", name)
					}
					return row.active(f.key)
				}
				f.mu.Unlock()
				if row.want == 0 {
					time.Sleep(time.Minute)
				} else {
					f.x.Sweep()
				}
				synctest.Wait()
				if n := metrics(t, f.x)["cache_entries{}"]; n != 1+row.want {
					t.Errorf("%v entries", n)
				}
			})
		})
	}
}

func TestExpiredTokensAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		f.answer = func(_ context.Context, n int) (outbound.Response, error) { return granted(n, 90*n), nil }
		f.wants(f.request(), "token-1", false)
		f.wants(withSubject(f.request(), "c"), "token-2", false)
		for minute, want := range []float64{2, 2, 1, 0, 0} {
			if n := metrics(t, f.x)["cache_entries{}"]; n != want {
				t.Errorf("%v entries after %d minutes", n, minute)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		}
	})
}

func TestEachKeyIsLookedUpOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, 8)
		looks := 0
		f.active = func(string) (keys.Key, bool) { looks++; return nil, false }
		r := f.request()
		r.KeyName = "k"
		for i := range 3 {
			f.wants(withSubject(r, fmt.Sprint(i)), fmt.Sprintf("token-%d", i+1), false)
		}
		for minute := range 3 {
			time.Sleep(time.Minute)
			synctest.Wait()
			f.mu.Lock()
			if looks != minute+1 {
				t.Errorf("%d looks after %d minutes", looks, minute+1)
			}
			f.mu.Unlock()
		}
	})
}

func TestAKeyWithoutIdentityIsRefused(t *testing.T) {
	f := newFixture(t, 8)
	r := f.request()
	r.Key = brokenKey{f.key}
	if _, _, err := f.token(r); !errors.Is(err, keys.ErrUnsupported) {
		t.Error(err)
	}
}

// A thousand of them would take the memory of a worker.
func TestAnAnswerThatIsTooLongIsNotKept(t *testing.T) {
	for _, body := range []string{
		`{"access_token":"@","expires_in":600}`, `{"access_token":"t","expires_in":600,"scope":"@"}`,
		`{"access_token":"t","expires_in":600,"extra":"@"}`,
	} {
		for kibibytes, kept := range map[int]bool{31: true, 33: false} {
			f := newFixture(t, 8)
			f.answer = always(http.StatusOK, strings.Replace(body, "@", strings.Repeat("x", kibibytes<<10), 1))
			r := f.request()
			r.Profile.Exchange.Response = []string{"extra"}
			for range 2 {
				if _, _, err := f.token(r); err != nil {
					t.Fatal(err)
				}
			}
			if got := f.posted() == 1; got != kept {
				t.Errorf("%s, %d KiB: kept is %v", body, kibibytes, got)
			}
		}
	}
}
