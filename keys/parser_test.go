package keys_test

import (
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

func TestAParsedKeyIsKeptForAWhile(t *testing.T) {
	now := time.Unix(0, 0)
	p := keys.NewParser(keys.ParserOptions{CacheSize: 2, Now: func() time.Time { return now }})
	text := func(n int) keys.Ref { return keys.Ref{Text: secret.New(octJWK(32).with("kid", fmt.Sprint(n)).text(t))} }
	resolve := func(ref keys.Ref) keys.Key {
		t.Helper()
		k, err := p.Resolve(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := resolve(text(1))
	if resolve(text(1)) != first {
		t.Error("the same text was parsed again")
	}
	wantStats(t, p, keys.Stats{Hits: 1, Misses: 1, Entries: 1})

	resolve(text(2))
	resolve(text(1))
	resolve(text(3)) // the second, least recently used, goes
	wantStats(t, p, keys.Stats{Hits: 2, Misses: 3, Entries: 2})
	resolve(text(2))
	wantStats(t, p, keys.Stats{Hits: 2, Misses: 4, Entries: 2})

	now = now.Add(10 * time.Minute)
	resolve(text(2)) // its time is over, and the other's with it
	wantStats(t, p, keys.Stats{Hits: 2, Misses: 5, Entries: 1})
}

func TestAnIdleProcessDropsExpiredKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := keys.NewParser(keys.ParserOptions{CacheSize: 9})
		resolve := func(octets int) { must(p.Resolve(t.Context(), keys.Ref{Text: secret.New(octJWK(octets).text(t))})) }
		resolve(32)
		idle(450 * time.Second)
		resolve(33)
		wantStats(t, p, keys.Stats{Misses: 2, Entries: 2})
		idle(160 * time.Second)
		wantStats(t, p, keys.Stats{Misses: 2, Entries: 1})
		idle(450 * time.Second)
		wantStats(t, p, keys.Stats{Misses: 2})
	})
}

// idle sleeps in a synctest bubble.
func idle(d time.Duration) { <-time.After(d) }

func wantStats(t *testing.T, p *keys.Parser, want keys.Stats) {
	t.Helper()
	if got := p.Stats(); got != want {
		t.Errorf("stats = %+v, want %+v", got, want)
	}
}

func TestWhatAKeyDependsOnKeepsKeysApart(t *testing.T) {
	p := keys.NewParser(keys.ParserOptions{CacheSize: 100})
	set := object{"keys": []any{octJWK(32).with("kid", "a"), octJWK(33).with("kid", "b")}}.text(t)
	raw := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	seen := map[keys.Key]bool{}
	for _, ref := range []keys.Ref{
		{Text: secret.New(set), KeyID: "a"},
		{Text: secret.New(set), KeyID: "b"},
		{Text: secret.New(raw), Encoding: keys.EncodingRaw},
		{Text: secret.New(raw), Encoding: keys.EncodingHex},
		{Text: secret.New(raw), Encoding: keys.EncodingHex, Password: secret.New("x")},
	} {
		k, err := p.Resolve(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if seen[k] {
			t.Errorf("%+v gave another ref's key", ref.Encoding)
		}
		seen[k] = true
	}
}

func TestARefusalIsNotKept(t *testing.T) {
	p := keys.NewParser(keys.ParserOptions{CacheSize: 10})
	for range 2 {
		_, err := p.Resolve(t.Context(), keys.Ref{Text: secret.New("***")})
		wantReason(t, err, keys.ErrUnreadable)
	}
	wantStats(t, p, keys.Stats{Misses: 2})
}

func TestWithoutACacheNothingIsKept(t *testing.T) {
	p := keys.NewParser(keys.ParserOptions{})
	ref := keys.Ref{Text: secret.New(octJWK(32).text(t))}
	a, b := must(p.Resolve(t.Context(), ref)), must(p.Resolve(t.Context(), ref))
	if a == b {
		t.Error("the key was kept")
	}
	wantStats(t, p, keys.Stats{Misses: 2})
}

// TestOneTextIsParsedOnce holds the gate, so that all callers arrive before the
// first one parses.
func TestOneTextIsParsedOnce(t *testing.T) {
	ref := keys.Ref{Text: secret.New(ecJWK(elliptic.P256(), "P-256").text(t))}
	synctest.Test(t, func(t *testing.T) {
		p := keys.NewParser(keys.ParserOptions{CacheSize: 10})
		release := must(keys.HoldGate(t.Context(), p))
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := p.Resolve(t.Context(), ref); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		release()
		all.Wait()
		wantStats(t, p, keys.Stats{Hits: 49, Misses: 1, Entries: 1})
	})
}

func TestATimeoutOfTheFirstCallerIsNotSharedWithOthers(t *testing.T) {
	ref := keys.Ref{Text: secret.New(octJWK(32).text(t))}
	synctest.Test(t, func(t *testing.T) {
		p := keys.NewParser(keys.ParserOptions{CacheSize: 10})
		release := must(keys.HoldGate(t.Context(), p))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var both sync.WaitGroup
		both.Go(func() {
			_, err := p.Resolve(short, ref)
			if !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the one in a hurry: %v", err)
			}
		})
		synctest.Wait()
		both.Go(func() {
			if _, err := p.Resolve(t.Context(), ref); err != nil {
				t.Errorf("the patient one: %v", err)
			}
		})
		<-short.Done()
		synctest.Wait()
		release()
		both.Wait()
	})
}

func TestAWaitingCallerTimesOut(t *testing.T) {
	ref := keys.Ref{Text: secret.New(octJWK(32).text(t))}
	synctest.Test(t, func(t *testing.T) {
		p := keys.NewParser(keys.ParserOptions{})
		release := must(keys.HoldGate(t.Context(), p))
		var first sync.WaitGroup
		first.Go(func() { _, _ = p.Resolve(t.Context(), ref) })
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := p.Resolve(short, ref)
		wantReason(t, err, keys.ErrUnavailable)
		if time.Since(start) != time.Second {
			t.Errorf("waited %s", time.Since(start))
		}
		release()
		first.Wait()
	})
}

func TestTheParserRefusesNamedKeys(t *testing.T) {
	_, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Name: "billing"})
	wantReason(t, err, keys.ErrUnknown)
}

func TestTheSizeOfATextIsLimited(t *testing.T) {
	p := keys.NewParser(keys.ParserOptions{MaxText: 10})
	_, err := p.Resolve(t.Context(), keys.Ref{Text: secret.New("01234567890")})
	wantReason(t, err, keys.ErrTooLarge)
	_, err = p.Resolve(t.Context(), keys.Ref{Text: secret.New("0123456789")})
	wantReason(t, err, keys.ErrUnreadable)
}

func TestTheGateAdmitsAsManyAsThereAreCores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := keys.NewParser(keys.ParserOptions{CacheSize: 1})
		ref := keys.Ref{Text: secret.New(octJWK(32).text(t))}
		own := must(p.Resolve(t.Context(), ref))
		release := must(keys.HoldGate(t.Context(), p))
		k := must(keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref))
		if _, err := k.Sign(t.Context(), keys.HS256, nil); err != nil {
			t.Errorf("another parser's key waits for this gate: %v", err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := own.Sign(short, keys.HS256, nil)
		wantReason(t, err, keys.ErrUnavailable)
		_, err = p.Resolve(short, keys.Ref{Text: secret.New(octJWK(33).text(t))})
		wantReason(t, err, keys.ErrUnavailable)
		release()
	})
}

func TestContainersAreReadWhereTheyAreAskedFor(t *testing.T) {
	ref := keys.Ref{Text: secret.New(pemFile(t, "p256.jwe.json")), Password: secret.New("password")}
	if _, err := keys.NewParser(keys.ParserOptions{Containers: true}).Resolve(t.Context(), ref); err != nil {
		t.Errorf("a parser with containers: %v", err)
	}
	_, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref)
	wantReason(t, err, keys.ErrUnsupported)
}
