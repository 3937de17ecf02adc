package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/verifier"
)

func TestASetIsKeptForItsMaxAgeWithinBounds(t *testing.T) {
	for name, row := range map[string]struct {
		header string
		want   time.Duration
	}{
		"no header":              {"", time.Minute},
		"within the bounds":      {"public, max-age=600", 10 * time.Minute},
		"shorter than a minute":  {"max-age=5", time.Minute},
		"longer than an hour":    {"max-age=86400", time.Hour},
		"longer than any number": {"max-age=99999999999999999999", time.Minute},
		"negative":               {"max-age=-1", time.Minute},
		"in capital letters":     {"Max-Age=600", 10 * time.Minute},
		"quoted":                 {`max-age="600"`, 10 * time.Minute},
		"not to be stored":       {"max-age=600, no-store", time.Minute},
		"of shared caches":       {"s-maxage=600", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t)
				i.header.Set("Cache-Control", row.header)
				r := newRig(t, i, policyText)
				token := sign(t, i.keys[0])
				for _, step := range []struct {
					after time.Duration
					want  int
				}{{0, 1}, {0, 1}, {row.want - time.Second, 1}, {time.Second, 2}} {
					time.Sleep(step.after)
					if err := r.verify(token); err != nil || i.fetches() != step.want {
						t.Errorf("%d fetches, %v; want %d", i.fetches(), err, step.want)
					}
				}
			})
		})
	}
}

func TestARotationIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		i.header.Set("Cache-Control", "max-age=3600")
		r := newRig(t, i, policyText)
		old := sign(t, i.keys[0])
		if err := r.verify(old); err != nil {
			t.Fatal(err)
		}
		next := sign(t, i.rotate("b"))
		if err := r.verify(next); err != nil || i.fetches() != 2 {
			t.Errorf("the new key: %v after %d fetches", err, i.fetches())
		}
		wantInvalid(t, r.verify(old), verifier.ErrKey)
		if i.fetches() != 2 {
			t.Errorf("%d fetches, want none for another unknown key within a minute", i.fetches())
		}
		third := sign(t, i.rotate("c"))
		wantInvalid(t, r.verify(third), verifier.ErrKey)
		time.Sleep(time.Minute)
		if err := r.verify(third); err != nil || i.fetches() != 3 {
			t.Errorf("a minute later: %v after %d fetches", err, i.fetches())
		}
	})
}

// An issuer that revokes all of its keys publishes an empty set.
func TestAnEmptySetVerifiesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		token := sign(t, i.keys[0])
		if err := r.verify(token); err != nil {
			t.Fatal(err)
		}
		i.keys = nil
		time.Sleep(time.Minute)
		wantInvalid(t, r.verify(token), verifier.ErrKey)
	})
}

func TestAFloodOfUnknownKeysCausesOneFetchAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		i.header.Set("Cache-Control", "max-age=3600")
		r := newRig(t, i, policyText)
		stranger := newKey(t, "")
		const minutes = 10
		for n := range 1000 {
			stranger.KeyID = fmt.Sprint(n)
			wantInvalid(t, r.verify(sign(t, stranger)), verifier.ErrKey)
			time.Sleep(minutes * time.Minute / 1000)
		}
		if n := i.fetches(); n > minutes+1 {
			t.Errorf("%d fetches in %d minutes", n, minutes)
		}
		if err := r.verify(sign(t, i.keys[0])); err != nil {
			t.Errorf("a good token in the flood: %v", err)
		}
	})
}

func TestASetIsServedStaleForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		token := sign(t, i.keys[0])
		stranger := sign(t, newKey(t, "stranger"))
		if err := r.verify(token); err != nil {
			t.Fatal(err)
		}
		i.fail(errors.New("away"))
		began := time.Now()
		for time.Since(began) < 24*time.Hour-time.Second {
			time.Sleep(min(time.Hour, 24*time.Hour-time.Second-time.Since(began)))
			if err := r.verify(token); err != nil {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
		}
		// Whether it is a new key of the issuer cannot be known.
		wantUnavailable(t, r.verify(stranger), "no answer")
		if s := r.Status()[0]; !s.Failing || !s.Fetched.Equal(began) {
			t.Errorf("status %+v", s)
		}
		time.Sleep(time.Second)
		wantUnavailable(t, r.verify(token), "no answer")
		i.fail(nil)
		time.Sleep(5 * time.Second)
		if err := r.verify(token); err != nil {
			t.Errorf("the issuer is back: %v", err)
		}
		for _, line := range []string{"the last one stays in use for a day", "can be fetched again"} {
			if n := strings.Count(r.log.String(), line); n != 1 {
				t.Errorf("%d lines of %q in\n%s", n, line, r.log.String())
			}
		}
	})
}

func TestAnIssuerThatIsAwayIsAskedAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		token := sign(t, i.keys[0])
		i.fail(errors.New("away"))
		for range 600 {
			wantUnavailable(t, r.verify(token), "no answer")
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(i.requests()); n != 12 {
			t.Errorf("%d requests within a minute without a set, want one in 5 s", n)
		}
		i.fail(nil)
		time.Sleep(5 * time.Second)
		if err := r.verify(token); err != nil {
			t.Fatal(err)
		}
		i.fail(errors.New("away"))
		before := len(i.requests())
		for range 600 {
			time.Sleep(time.Second)
			if err := r.verify(token); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(i.requests()) - before; n != 10 {
			t.Errorf("%d requests within 10 minutes with a stale set, want one a minute", n)
		}
	})
}

func TestOneFetchIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		token := sign(t, i.keys[0])
		i.hang = make(chan struct{})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := r.verify(token); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := len(i.requests()); n != 1 {
			t.Errorf("%d requests at once", n)
		}
		close(i.hang)
		all.Wait()
		if n := i.fetches(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// The set in use is good enough for all but the one who fetches.
func TestAFetchThatHangsDelaysOneTaskAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		token := sign(t, i.keys[0])
		if err := r.verify(token); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		i.hang = make(chan struct{}) // never closed
		began, delayed := time.Now(), make(chan time.Duration, 1)
		go func() {
			if err := r.verify(token); err != nil {
				t.Error(err)
			}
			delayed <- time.Since(began)
		}()
		synctest.Wait()
		for range 50 {
			if err := r.verify(token); err != nil || time.Since(began) > 0 {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
		}
		if d := <-delayed; d != 20*time.Second {
			t.Errorf("the fetch took %s", d)
		}
	})
}

func TestFewTasksWaitForAnIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		r.options.Waiting = bulkhead.New(2, time.Now)
		r.Verifiers = nil
		r.reload(policyText)
		token := sign(t, i.keys[0])
		i.hang = make(chan struct{})
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if err := r.verify(token); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		for range 20 {
			wantUnavailable(t, r.verify(token), "too many tasks wait")
		}
		close(i.hang)
		all.Wait()
		if err := r.verify(token); err != nil {
			t.Error(err)
		}
	})
}

// A caller that gives up says nothing about the issuer.
func TestACancelledCallerLeavesTheFetchToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		token := sign(t, i.keys[0])
		i.hang = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 3 { // one fetches, the others wait
			all.Go(func() {
				if err := r.verifyWith(ctx, token); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		cancel()
		all.Wait()
		close(i.hang)
		if err := r.verify(token); err != nil {
			t.Errorf("the next caller: %v", err)
		}
		if s := r.Status()[0]; s.Failing {
			t.Error("the fetch counts as failed")
		}
	})
}

func TestAHangIsAFailureAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t)
		r := newRig(t, i, policyText)
		i.hang = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.verifyWith(ctx, sign(t, i.keys[0])); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		wantUnavailable(t, r.verify(sign(t, i.keys[0])), "")
		if n := len(i.requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}
