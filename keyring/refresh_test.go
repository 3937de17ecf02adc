package keyring_test

import (
	"context"
	"crypto"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
)

// A source without times may replace a key that was created for a later time, and
// no other.
func TestCreatedKeyMayBeReplacedBeforeItSigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		a, b, c := edKey(t, now.Add(-time.Hour)), edKey(t, now.Add(time.Hour)), edKey(t, now.Add(2*time.Hour))
		kids := map[string]string{thumbprint(t, a): "a", thumbprint(t, b): "b", thumbprint(t, c): "c"}
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "file:///k"}}`}
		r.put("file:///k", a, b)
		ring := r.ring(t, nil)
		run(t, ring)
		r.put("file:///k", a, c)
		time.Sleep(2 * time.Minute)
		if got := states(ring, kids); got != "active:a published:c" || ring.Status()[0].Failing {
			t.Errorf("%s: %s", got, r.log.String())
		}
		r.put("file:///k", edKey(t, now.Add(-time.Minute)), c)
		time.Sleep(2 * time.Minute)
		if got := states(ring, kids); got != "active:a published:c" || !ring.Status()[0].Failing {
			t.Errorf("%s: a replacement that signs at once was accepted", got)
		}
	})
}

// A verifier may keep a set until the first of several changes.
func TestMaxAgeEndsAtTheFirstChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at 2000-01-01T00:00:00Z
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {publish: true, versions: [
  {source: "file:///a", from: 1999-01-01T00:00:00Z}, {source: "file:///b", from: 2000-01-01T00:00:30Z}, {source: "file:///c", from: 2000-01-01T00:00:50Z}]}}`}
		for _, name := range []string{"a", "b", "c"} {
			r.put("file:///"+name, edKey(t, time.Time{}))
		}
		ring := r.ring(t, nil)
		for _, step := range []struct{ at, age time.Duration }{
			{0, 30 * time.Second}, {10 * time.Second, 20 * time.Second}, {30 * time.Second, 20 * time.Second}, {50 * time.Second, 120 * time.Second},
		} {
			time.Sleep(time.Until(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(step.at)))
			if s := ring.Set(); s.MaxAge != step.age || s.Len != 3 {
				t.Errorf("after %s: %s, %d keys; want %s", step.at, s.MaxAge, s.Len, step.age)
			}
		}
	})
}

// Several versions may have no kid.
func TestVersionsWithoutAKeyID(t *testing.T) {
	r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {kid: none, versions: [
  {source: "file:///a", from: 1998-01-01T00:00:00Z}, {source: "file:///b", from: 1999-01-01T00:00:00Z}]}}`}
	r.put("file:///a", edKey(t, time.Time{}))
	r.put("file:///b", edKey(t, time.Time{}))
	if kid := signs(t, r.ring(t, nil), "k"); kid != "" {
		t.Errorf("the kid is %q", kid)
	}
	// So may published keys.
	r.text = `keys: {k: {source: "file:///a", kid: none, publish: true}, l: {source: "file:///b", kid: none, publish: true}}`
	if s := r.ring(t, nil).Set(); s.Len != 2 {
		t.Errorf("%d keys", s.Len)
	}
}

// Intervals differ by up to a tenth, so that replicas do not read in step.
func TestRefreshInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "file:///k"}}`}
		r.put("file:///k", edKey(t, time.Time{}))
		o := r.options(t)
		asked := &readTimes{Scheme: o.Schemes["file"]}
		o.Schemes["file"] = asked
		ring, err := keyring.New(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		run(t, ring)
		time.Sleep(3 * time.Hour)
		times := asked.all()
		shorter, longer := 0, 0
		for i := range len(times) - 1 {
			switch gap := times[i+1].Sub(times[i]); {
			case gap < 54*time.Second || gap > 66*time.Second:
				t.Errorf("%s between two refreshes", gap)
			case gap < time.Minute:
				shorter++
			case gap > time.Minute:
				longer++
			}
		}
		if shorter < 20 || longer < 20 {
			t.Errorf("%d intervals of less than a minute, %d of more", shorter, longer)
		}
	})
}

// readTimes records when its sources are read.
type readTimes struct {
	keys.Scheme
	mu sync.Mutex
	at []time.Time
}

func (s *readTimes) all() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *readTimes) Open(uri string) (keys.Source, error) {
	source, err := s.Scheme.Open(uri)
	return &timedSource{source, s}, err
}

type timedSource struct {
	keys.Source
	scheme *readTimes
}

func (s *timedSource) Versions(ctx context.Context) ([]keys.Key, error) {
	s.scheme.mu.Lock()
	s.scheme.at = append(s.scheme.at, time.Now())
	s.scheme.mu.Unlock()
	return s.Source.Versions(ctx)
}

// A store's signatures are verified, so that its key needs a verifier.
func TestKeyWithoutVerifierIsRefused(t *testing.T) {
	secretKey, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), jwkRef(strings.Repeat("A", 43)))
	if err != nil {
		t.Fatal(err)
	}
	r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "gcpkms://k"}}`}
	r.remote = true
	r.put("gcpkms://k", secretKey)
	if _, err := keyring.New(t.Context(), r.options(t), nil); err == nil || !strings.Contains(err.Error(), "policy.yaml:1:20: ") {
		t.Errorf("%v", err)
	}
}

// The two engines of Vault are one server: they share a breaker and a bulkhead.
func TestVaultEnginesShareOneStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k"}, l: {source: "gcpkms://l"}}`, stores: bulkhead.NewGroup(8, time.Now)}
		r.timed, r.remote = true, true
		r.put("vault-transit://t/k", edKey(t, time.Now().Add(-time.Hour)))
		r.put("gcpkms://l", edKey(t, time.Now().Add(-time.Hour)))
		ring := r.ring(t, nil)
		if open := r.stores.Open(); len(open) != 2 || open["vault"] || open["gcpkms"] {
			t.Errorf("%v", open)
		}
		key, err := ring.Resolve(t.Context(), keys.Ref{Name: "k"})
		if err != nil {
			t.Fatal(err)
		}
		r.sign = func(context.Context) error { return unavailable() }
		for range 5 {
			_, _ = key.Sign(t.Context(), keys.EdDSA, []byte("x"))
		}
		got := gathered(t, ring)
		if got["conductor_jwt_key_store_open{vault}"] != 1 || got["conductor_jwt_key_store_open{gcpkms}"] != 0 {
			t.Errorf("%v", got)
		}
		// Another ring over the same stores has the same breaker.
		r.text = `keys: {m: {source: "vault-kv://kv/m"}}`
		r.put("vault-kv://kv/m", edKey(t, time.Now().Add(-time.Hour)))
		o := r.options(t)
		o.Schemes["vault-kv"] = r.memoryStore
		again, err := keyring.New(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key, err = again.Resolve(t.Context(), keys.Ref{Name: "m"}); err != nil {
			t.Fatal(err)
		}
		if _, err := key.Sign(t.Context(), keys.EdDSA, []byte("x")); !isReason(err, keys.ErrUnavailable) || !strings.Contains(err.Error(), "several times in a row") {
			t.Errorf("%v", err)
		}
	})
}

func TestKeyIDOfDeliveredKey(t *testing.T) {
	for text, want := range map[string]string{
		`keys: {k: {source: "conductor:s", kid: c}}`:                              "c",
		`keys: {k: {versions: [{source: "conductor:s", kid: v}]}}`:                "v",
		`keys: {k: {kid: c, versions: [{source: "conductor:s", kid: v}]}}`:        "v",
		`keys: {k: {source: "conductor:s"}}`:                                      "",
		`keys: {k: {source: "conductor:s", kid: none}}`:                           "",
		`keys: {k: {kid: none, versions: [{source: "conductor:s", kid: "v w"}]}}`: "v w",
	} {
		r := &fixture{memoryStore: newMemoryStore(), text: text}
		delivered := map[string]secret.Text{"s": jwkRef(strings.Repeat("A", 43)).Text}
		key, err := r.ring(t, nil).Resolve(t.Context(), keys.Ref{Name: "k", Delivered: delivered})
		if err != nil || key.ID() != want {
			t.Errorf("%s: %v, %v; want the kid %q", text, key, err, want)
		}
	}
}

// Only published keys need different kids, and one key may be published under two
// names.
func TestPublishedKeysWithTheSameKeyID(t *testing.T) {
	a := edKey(t, time.Time{})
	for text, good := range map[string]bool{
		`keys: {k: {source: "file:///a", kid: x}, l: {source: "file:///b", kid: x}}`:                               true,
		`keys: {k: {source: "file:///a", kid: x, publish: true}, l: {source: "file:///b", kid: x}}`:                true,
		`keys: {k: {source: "file:///a", kid: x}, l: {source: "file:///b", kid: x, publish: true}}`:                true,
		`keys: {k: {source: "file:///a", kid: x, publish: true}, l: {source: "file:///b", kid: x, publish: true}}`: false,
		`keys: {k: {source: "file:///a", publish: true}, l: {source: "file:///a", publish: true}}`:                 true,
	} {
		r := &fixture{memoryStore: newMemoryStore(), text: text}
		r.put("file:///a", a)
		r.put("file:///b", ecKey(t))
		if _, err := keyring.New(t.Context(), r.options(t), nil); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A key that was never read is read every five seconds. A source that panics counts
// as unavailable.
func TestRetryOfAKeyThatWasNeverRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "file:///k"}}`}
		r.fail("file:///k", unavailable())
		ring := r.ring(t, nil)
		run(t, ring)
		time.Sleep(time.Minute)
		if reads := r.timesRead(); reads < 11 || reads > 15 {
			t.Errorf("read %d times in a minute", reads)
		}
		r.fail("file:///k", nil)
		r.put("file:///k", edKey(t, time.Time{}))
		time.Sleep(6 * time.Second)
		want := signs(t, ring, "k")
		r.fail("file:///k", errPanics{})
		time.Sleep(2 * time.Minute)
		if got := signs(t, ring, "k"); got != want || !ring.Status()[0].Failing {
			t.Errorf("%s signs, want %s: %s", got, want, r.log.String())
		}
		r.fail("file:///k", nil)
		time.Sleep(2 * time.Minute)
		if ring.Status()[0].Failing {
			t.Error("it fails forever")
		}
	})
}

// errPanics panics when it is examined, as a faulty client would.
type errPanics struct{}

func (errPanics) Error() string   { return "panics" }
func (errPanics) Is(error) bool   { panic("a bug") }
func (errPanics) As(any) bool     { panic("a bug") }
func (errPanics) Unwrap() []error { panic("a bug") }

// oddKey has a public key of an unknown type.
type oddKey struct{ keys.Key }

func (oddKey) Public() crypto.PublicKey { return "odd" }

func TestKeyOfUnknownType(t *testing.T) {
	r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "file:///k"}}`}
	r.put("file:///k", oddKey{edKey(t, time.Time{})})
	if _, err := keyring.New(t.Context(), r.options(t), nil); err == nil || !strings.Contains(err.Error(), "policy.yaml:1:20: ") {
		t.Errorf("%v", err)
	}
}
