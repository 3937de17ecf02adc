package keyring_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
)

// A version of a store with times is published at once, signs after the delay, and
// stays published until its last tokens have expired.
func TestRotationByTheStoresTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		a, b := edKey(t, start.Add(-time.Hour)), edKey(t, start.Add(30*time.Second))
		kids := map[string]string{thumbprint(t, a): "a", thumbprint(t, b): "b"}
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k", publish: true}}`}
		r.timed = true
		r.put("vault-transit://t/k", a)
		ring := r.ring(t, nil)
		run(t, ring)
		// The store creates the next version half a minute later.
		time.Sleep(30 * time.Second)
		r.put("vault-transit://t/k", a, b)
		for _, step := range []struct {
			at     time.Duration // since b was created
			states string
			signs  string
		}{
			{time.Second, "active:a", "a"}, // not read yet
			{67 * time.Second, "active:a published:b", "a"},
			{10*time.Minute - time.Second, "active:a published:b", "a"},
			{10 * time.Minute, "retired:a active:b", "b"},
			{10*time.Minute + 13*time.Minute - time.Second, "retired:a active:b", "b"}, // max ttl 10m + 120s + 60s
			{10*time.Minute + 13*time.Minute, "active:b", "b"},
		} {
			time.Sleep(time.Until(start.Add(30*time.Second + step.at)))
			if got := states(ring, kids); got != step.states {
				t.Errorf("after %s: %s, want %s", step.at, got, step.states)
			}
			if got := kids[signs(t, ring, "k")]; got != step.signs {
				t.Errorf("after %s: %s signs, want %s", step.at, got, step.signs)
			}
		}
	})
}

// run refreshes a ring until the test ends. Run must not return before.
func run(t *testing.T, ring *keyring.Ring) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // t.Context() ends before the cleanup begins
	done := make(chan struct{})
	go func() { defer close(done); ring.Run(ctx) }()
	t.Cleanup(func() {
		select {
		case <-done:
			t.Error("Run has returned before its context ended")
		default:
		}
		cancel()
		<-done
	})
}

// Two replicas that start at different times agree at every moment, once both have
// read a version.
func TestReplicasAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k", publish: true}}`}
		r.timed = true
		r.put("vault-transit://t/k", edKey(t, start.Add(-time.Hour)))
		first := r.ring(t, nil)
		run(t, first)
		time.Sleep(47 * time.Second)
		r.put("vault-transit://t/k", r.held["vault-transit://t/k"][0], edKey(t, time.Now()))
		second := r.ring(t, nil)
		run(t, second)
		for range 60 {
			time.Sleep(13 * time.Second)
			if a, b := signs(t, first, "k"), signs(t, second, "k"); a != b {
				t.Fatalf("after %s one signs with %s, the other with %s", time.Since(start), a, b)
			}
		}
	})
}

func TestRotationByThePolicysTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at 2000-01-01T00:00:00Z
		a, b, c := edKey(t, time.Time{}), ecKey(t), ecKey(t)
		kids := map[string]string{thumbprint(t, a): "a", thumbprint(t, b): "b", thumbprint(t, c): "c"}
		r := &fixture{memoryStore: newMemoryStore(), text: `
keys:
  k:
    publish: true
    retire_after: 1h
    versions:
      - {source: "file:///c", from: 2000-01-03T00:00:00Z}
      - {source: "file:///a", from: 2000-01-01T12:00:00Z}
      - {source: "file:///b", from: 2000-01-02T00:00:00Z}
`}
		r.put("file:///a", a)
		r.put("file:///b", b)
		r.put("file:///c", c)
		ring := r.ring(t, nil)
		start := time.Now()
		for _, step := range []struct {
			at     time.Duration
			states string
		}{
			{0, "active:a published:b published:c"}, // no time has come: the oldest signs
			{12 * time.Hour, "active:a published:b published:c"},
			{24*time.Hour - time.Second, "active:a published:b published:c"},
			{24 * time.Hour, "retired:a active:b published:c"},
			{25*time.Hour - time.Second, "retired:a active:b published:c"},
			{25 * time.Hour, "active:b published:c"},
			{48 * time.Hour, "retired:b active:c"},
			{1000 * time.Hour, "active:c"},
		} {
			time.Sleep(time.Until(start.Add(step.at)))
			if got := states(ring, kids); got != step.states {
				t.Errorf("after %s: %s, want %s", step.at, got, step.states)
			}
		}
	})
}

// A replaced file does not say when the new key may sign.
func TestReplacedFileIsRefusedUntilReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := edKey(t, time.Time{}), edKey(t, time.Time{})
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "file:///k"}}`}
		r.put("file:///k", a)
		ring := r.ring(t, nil)
		run(t, ring)
		r.put("file:///k", b)
		time.Sleep(5 * time.Minute)
		if got := signs(t, ring, "k"); got != thumbprint(t, a) {
			t.Error("the new one signs")
		}
		if text := r.log.String(); strings.Count(text, "without a time from which it may sign") != 1 {
			t.Errorf("want one line in five minutes:\n%s", text)
		}
		if s := ring.Status()[0]; !s.Failing || s.Failures < 4 {
			t.Errorf("%+v", s)
		}
		r.put("file:///k", a)
		time.Sleep(2 * time.Minute)
		if s := ring.Status()[0]; s.Failing || !strings.Contains(r.log.String(), "refreshed again") {
			t.Errorf("%+v", s)
		}
		r.put("file:///k", b)
		if got := signs(t, r.ring(t, ring), "k"); got != thumbprint(t, b) {
			t.Error("a reload does not accept it")
		}
	})
}

// A version that does not sign yet may be replaced.
func TestFileMayBeReplacedBeforeItSigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := edKey(t, time.Time{}), edKey(t, time.Time{}), edKey(t, time.Time{})
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {versions: [{source: "file:///a", from: 1999-01-01T00:00:00Z}, {source: "file:///b", from: 2000-01-02T00:00:00Z}]}}`}
		r.put("file:///a", a)
		r.put("file:///b", b)
		ring := r.ring(t, nil)
		run(t, ring)
		r.put("file:///b", c)
		time.Sleep(24 * time.Hour)
		if got := signs(t, ring, "k"); got != thumbprint(t, c) {
			t.Error("it was not accepted")
		}
	})
}

// The same HMAC secret, read again, is the same key.
func TestSameSecretIsTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		oct := func(k string) keys.Key {
			key, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), jwkRef(k))
			if err != nil {
				t.Fatal(err)
			}
			return key
		}
		const one, two = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "env:K"}}`}
		r.put("env:K", oct(one))
		ring := r.ring(t, nil)
		run(t, ring)
		if kid := signs(t, ring, "k"); kid != "" {
			t.Errorf("a secret has the kid %s", kid)
		}
		r.put("env:K", oct(one))
		time.Sleep(2 * time.Minute)
		if ring.Status()[0].Failing {
			t.Error(r.log.String())
		}
		r.put("env:K", oct(two))
		time.Sleep(2 * time.Minute)
		if !ring.Status()[0].Failing {
			t.Error("another secret was accepted")
		}
	})
}

func TestRevokedVersionIsRemovedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := edKey(t, time.Now().Add(-2*time.Hour)), edKey(t, time.Now().Add(-time.Hour))
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k", publish: true}}`}
		r.timed = true
		r.put("vault-transit://t/k", a, b)
		ring := r.ring(t, nil)
		if signs(t, ring, "k") != thumbprint(t, b) {
			t.Error("the newer one does not sign")
		}
		// Also while the store is unavailable.
		r.fail("vault-transit://t/k", unavailable())
		r.text = `keys: {k: {source: "vault-transit://t/k", publish: true, revoke: ["` + thumbprint(t, b) + `"]}}`
		ring = r.ring(t, ring)
		if signs(t, ring, "k") != thumbprint(t, a) {
			t.Error("a revoked version signs")
		}
		if key, known := ring.Active("k"); !known || key.ID() != thumbprint(t, a) {
			t.Errorf("the active version is %v, known %v", key, known)
		}
		if set := ring.Set(); set.Len != 1 || strings.Contains(string(set.Body), thumbprint(t, b)) {
			t.Errorf("%s", set.Body)
		}
		r.text = `keys: {k: {source: "vault-transit://t/k", revoke: ["` + thumbprint(t, b) + `", "` + thumbprint(t, a) + `"]}}`
		ring = r.ring(t, ring)
		if _, err := ring.Resolve(t.Context(), keys.Ref{Name: "k"}); !isReason(err, keys.ErrUnknown) {
			t.Errorf("all revoked: %v", err)
		}
		for _, name := range []string{"k", "a name that is not configured"} {
			if key, known := ring.Active(name); key != nil || !known {
				t.Errorf("%s: the active version is %v, known %v", name, key, known)
			}
		}
	})
}

func TestTheActiveVersionIsUnknownWhereTheKeyWasNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k"}, l: {source: "conductor:NAME"}}`}
		r.fail("vault-transit://t/k", unavailable())
		ring := r.ring(t, nil)
		for _, name := range []string{"k", "l"} {
			if key, known := ring.Active(name); key != nil || known {
				t.Errorf("%s: the active version is %v, known %v", name, key, known)
			}
		}
	})
}

// Versions that are taken over follow the new policy.
func TestTakenOverVersionsFollowTheNewPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k"}}`}
		r.timed = true
		r.put("vault-transit://t/k", edKey(t, time.Now().Add(-2*time.Hour)), edKey(t, time.Now().Add(-time.Hour)))
		ring := r.ring(t, nil)
		newer := signs(t, ring, "k")
		r.fail("vault-transit://t/k", unavailable())
		r.text = `keys: {k: {source: "vault-transit://t/k", algorithms: [Ed25519], activation_delay: 90m}}`
		key, err := r.ring(t, ring).Resolve(t.Context(), keys.Ref{Name: "k"})
		if err != nil || len(key.Algorithms()) != 1 || key.Algorithms()[0] != keys.Ed25519 {
			t.Errorf("%v, %v", key, err)
		}
		if key.ID() == newer {
			t.Error("a version signs before its delay is over")
		}
		r.text = `keys: {k: {source: "vault-transit://t/k", algorithms: [RS256]}}`
		if _, err := r.ring(t, ring).Resolve(t.Context(), keys.Ref{Name: "k"}); !isReason(err, keys.ErrUnavailable) {
			t.Errorf("a key that does not fit: %v", err)
		}
	})
}

func TestUnavailableSourceKeepsVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := edKey(t, time.Now().Add(-time.Hour))
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k"}, other: {source: "file:///o"}}`}
		r.timed = true
		r.put("vault-transit://t/k", a)
		r.put("file:///o", edKey(t, time.Time{}))
		ring := r.ring(t, nil)
		run(t, ring)
		r.fail("vault-transit://t/k", errHangs)
		time.Sleep(time.Hour)
		if signs(t, ring, "k") != thumbprint(t, a) {
			t.Error("the stale key is not served")
		}
		if s := ring.Status(); !s[0].Failing || s[1].Failing || time.Since(s[1].Refreshed) > 67*time.Second {
			t.Errorf("%+v", s)
		}
		r.fail("vault-transit://t/k", &fault.Error{Reason: keys.ErrUnreadable, Found: "no key"})
		time.Sleep(time.Hour)
		if signs(t, ring, "k") != thumbprint(t, a) {
			t.Error("the old set is not kept when the new one does not parse")
		}
	})
}

// A source may hang on a file or in a module that ignores its context. The call is
// abandoned, and the source is not called again while it hangs.
func TestHangingSourceIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "file:///k"}}`}
		back := make(chan struct{})
		r.fail("file:///k", hangsForever{back})
		r.put("file:///k", edKey(t, time.Time{}))
		began := time.Now()
		ring := r.ring(t, nil)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the start took %s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			ring.Run(ctx)
			close(ended)
		}()
		time.Sleep(time.Minute)
		if calls := r.timesRead(); calls != 1 {
			t.Errorf("%d calls at once of a source that hangs, want 1", calls)
		}
		r.fail("file:///k", nil)
		close(back)
		time.Sleep(10 * time.Second)
		if _, err := ring.Resolve(t.Context(), keys.Ref{Name: "k"}); err != nil {
			t.Errorf("after it is back: %v", err)
		}
		next := make(chan struct{})
		r.fail("file:///k", hangsForever{next})
		time.Sleep(2 * time.Minute)
		cancel()
		<-ended // and not only when the source returns
		close(next)
	})
}

// A store that is unavailable does not prevent the start; its tasks wait.
func TestKeyThatWasNeverRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k", publish: true}, o: {source: "file:///o", publish: true}}`}
		r.timed = true
		r.fail("vault-transit://t/k", errHangs)
		r.put("file:///o", edKey(t, time.Time{}))
		ring := r.ring(t, nil)
		if took := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); took != 5*time.Second {
			t.Errorf("the start took %s", took)
		}
		if _, err := ring.Resolve(t.Context(), keys.Ref{Name: "k"}); !isReason(err, keys.ErrUnavailable) {
			t.Error(err)
		}
		if ring.Complete() || ring.Set().Len != 1 {
			t.Error("Complete = true")
		}
		run(t, ring)
		r.fail("vault-transit://t/k", nil)
		r.put("vault-transit://t/k", edKey(t, time.Now()))
		time.Sleep(6 * time.Second)
		signs(t, ring, "k")
		if !ring.Complete() {
			t.Error("Complete = false")
		}
	})
}

func TestMaxAgeOfSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {publish: true, versions: [
  {source: "file:///a", from: 1999-01-01T00:00:00Z}, {source: "file:///b", from: 2000-01-01T01:00:00Z}]}, hidden: {source: "file:///c"}}`}
		r.put("file:///a", edKey(t, time.Time{}))
		r.put("file:///b", ecKey(t))
		r.put("file:///c", ecKey(t))
		ring := r.ring(t, nil)
		before := ring.Set()
		if before.MaxAge != 120*time.Second || before.Len != 2 {
			t.Errorf("%s, %d keys", before.MaxAge, before.Len)
		}
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(before.Body, &set); err != nil {
			t.Fatal(err)
		}
		if k := set.Keys[1]; k["kty"] != "EC" || k["use"] != "sig" || k["alg"] != "ES256" || k["kid"] == "" || k["x"] == "" || len(k) != 7 {
			t.Errorf("%v", k)
		}
		if k := set.Keys[0]; k["kty"] != "OKP" || k["d"] != "" || k["use"] != "sig" {
			t.Errorf("%v", k)
		}
		time.Sleep(59*time.Minute + 30*time.Second)
		if s := ring.Set(); s.MaxAge != 30*time.Second || s.ETag != before.ETag {
			t.Errorf("half a minute before the next one signs: %s, %s", s.MaxAge, s.ETag)
		}
		time.Sleep(30*time.Second + 13*time.Minute - 5*time.Second)
		if s := ring.Set(); s.MaxAge != 5*time.Second || s.Len != 2 {
			t.Errorf("before the first one is removed: %s, %d", s.MaxAge, s.Len)
		}
		time.Sleep(5 * time.Second)
		if s := ring.Set(); s.Len != 1 || s.ETag == before.ETag {
			t.Errorf("%d", s.Len)
		}
		if _, ok := ring.KeySet("hidden"); ok {
			t.Error("a key that is not published has a set")
		}
		if s, ok := ring.KeySet("k"); !ok || s.Len != 1 || string(s.Body) != string(ring.Set().Body) {
			t.Error("the set of one key")
		}
	})
}

// The set of an issuer has the keys that the issuer names, and their algorithms.
func TestTheSetOfAnIssuer(t *testing.T) {
	r := &fixture{memoryStore: newMemoryStore(), text: `keys:
  a: {source: "file:///a", publish: true}
  b: {source: "file:///b", publish: true}
  hidden: {source: "file:///c"}
issuers: ["https://id.acme.com", {url: "https://id.acme.com/b", keys: [b]}]`}
	r.put("file:///a", edKey(t, time.Time{}))
	r.put("file:///b", ecKey(t))
	r.put("file:///c", ecKey(t))
	ring := r.ring(t, nil)
	all, ok := ring.IssuerSet("")
	if !ok || all.URL != "https://id.acme.com" || string(all.Set.Body) != string(ring.Set().Body) {
		t.Errorf("%+v", all)
	}
	if got := fmt.Sprint(all.Set.Algorithms); got != "[EdDSA Ed25519 ES256]" {
		t.Errorf("algorithms %s", got)
	}
	b, ok := ring.IssuerSet("/b")
	if set, _ := ring.KeySet("b"); !ok || b.URL != "https://id.acme.com/b" || string(b.Set.Body) != string(set.Body) || fmt.Sprint(b.Set.Algorithms) != "[ES256]" {
		t.Errorf("%+v", b)
	}
	if i, ok := ring.IssuerSet("/c"); ok {
		t.Errorf("%+v", i)
	}
}
