package keyring_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/keyring"
	"conductor-jwt/keys"
)

// A source without times may replace a key whose own time is still to come,
// and no other.
func TestAKeyOfItsOwnTimeMayBeReplacedBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		a, b, c := edKey(t, now.Add(-time.Hour)), edKey(t, now.Add(time.Hour)), edKey(t, now.Add(2*time.Hour))
		kids := map[string]string{thumbprint(t, a): "a", thumbprint(t, b): "b", thumbprint(t, c): "c"}
		r := &rig{shelf: newShelf(), text: `keys: {k: {source: "file:///k"}}`}
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
			t.Errorf("%s: a replacement without a time to come was taken", got)
		}
	})
}

// A set may be kept until the first of several changes.
func TestASetMayBeKeptUntilTheFirstChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins at 2000-01-01T00:00:00Z
		r := &rig{shelf: newShelf(), text: `keys: {k: {publish: true, versions: [
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

// Versions without a kid are not told apart by it.
func TestVersionsWithoutAKeyID(t *testing.T) {
	r := &rig{shelf: newShelf(), text: `keys: {k: {kid: none, versions: [
  {source: "file:///a", from: 1998-01-01T00:00:00Z}, {source: "file:///b", from: 1999-01-01T00:00:00Z}]}}`}
	r.put("file:///a", edKey(t, time.Time{}))
	r.put("file:///b", edKey(t, time.Time{}))
	if kid := signs(t, r.ring(t, nil), "k"); kid != "" {
		t.Errorf("the kid is %q", kid)
	}
	// Nor are published keys.
	r.text = `keys: {k: {source: "file:///a", kid: none, publish: true}, l: {source: "file:///b", kid: none, publish: true}}`
	if s := r.ring(t, nil).Set(); s.Len != 2 {
		t.Errorf("%d keys", s.Len)
	}
}

// Replicas do not ask in step: an interval differs from the next by a tenth.
func TestTheTimeBetweenTwoRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{shelf: newShelf(), text: `keys: {k: {source: "file:///k"}}`}
		r.put("file:///k", edKey(t, time.Time{}))
		o := r.options(t)
		asked := &timesAsked{Scheme: o.Schemes["file"]}
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

// timesAsked notes when its sources are asked.
type timesAsked struct {
	keys.Scheme
	mu sync.Mutex
	at []time.Time
}

func (s *timesAsked) all() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *timesAsked) Open(uri string) (keys.Source, error) {
	source, err := s.Scheme.Open(uri)
	return &timedSource{source, s}, err
}

type timedSource struct {
	keys.Source
	scheme *timesAsked
}

func (s *timedSource) Versions(ctx context.Context) ([]keys.Key, error) {
	s.scheme.mu.Lock()
	s.scheme.at = append(s.scheme.at, time.Now())
	s.scheme.mu.Unlock()
	return s.Source.Versions(ctx)
}

// A key without anything to check a store's signatures with is refused.
func TestAKeyOfAStoreThatCannotBeVerified(t *testing.T) {
	secretKey, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), jwkRef(strings.Repeat("A", 43)))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{shelf: newShelf(), text: `keys: {k: {source: "gcpkms://k"}}`}
	r.remote = true
	r.put("gcpkms://k", secretKey)
	if _, err := keyring.New(t.Context(), r.options(t), nil); err == nil || !strings.Contains(err.Error(), "policy.yaml:1:20: ") {
		t.Errorf("%v", err)
	}
}
