package keyring_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

func isReason(err, reason error) bool {
	_, ok := errors.AsType[*fault.Error](err)
	return ok && errors.Is(err, reason)
}

func jwkRef(k string) keys.Ref {
	return keys.Ref{Text: secret.New(`{"kty":"oct","alg":"HS256","k":"` + k + `"}`)}
}

func TestKeyIDs(t *testing.T) {
	a := edKey(t, time.Time{})
	r := &fixture{memoryStore: newMemoryStore(), text: `
keys:
  thumb: {source: "file:///a"}
  none: {source: "file:///a", kid: none}
  pinned: {source: "file:///a", kid: "its own"}
  version: {versions: [{source: "file:///a", kid: one, from: 1999-01-01T00:00:00Z}]}
`}
	r.put("file:///a", a)
	ring := r.ring(t, nil)
	for name, want := range map[string]string{"thumb": thumbprint(t, a), "none": "", "pinned": "its own", "version": "one"} {
		if got := signs(t, ring, name); got != want {
			t.Errorf("%s has the kid %q, want %q", name, got, want)
		}
	}
}

func TestUnnamedKeysGoToTheParser(t *testing.T) {
	r := &fixture{memoryStore: newMemoryStore(), text: "inline: allow"}
	ring := r.ring(t, nil)
	key, err := ring.Resolve(t.Context(), jwkRef("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	if err != nil || keys.KindOf(key) != keys.KindOct {
		t.Error(err)
	}
	if _, err := ring.Resolve(t.Context(), keys.Ref{Name: "nobody"}); !isReason(err, keys.ErrUnknown) {
		t.Error(err)
	}
	// A name is not read as a URI or a key.
	for _, name := range []string{"file:///etc/passwd", "https://evil.example/key", "../a", "env:HOME"} {
		if _, err := ring.Resolve(t.Context(), keys.Ref{Name: name}); !isReason(err, keys.ErrUnknown) || strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r.timesRead() != 0 {
		t.Error("a source was read")
	}
}

func TestDeliveredKey(t *testing.T) {
	const k = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "conductor:signing-key", kid: c}}`}
	ring := r.ring(t, nil)
	delivered := map[string]secret.Text{"signing-key": jwkRef(k).Text, "other": secret.New("x")}
	key, err := ring.Resolve(t.Context(), keys.Ref{Name: "k", Delivered: delivered})
	if err != nil || key.ID() != "c" || keys.KindOf(key) != keys.KindOct {
		t.Error(key, err)
	}
	for _, delivered := range []map[string]secret.Text{nil, {"other": secret.New("x")}, {"signing-key": secret.New(" ")}} {
		if _, err := ring.Resolve(t.Context(), keys.Ref{Name: "k", Delivered: delivered}); !isReason(err, keys.ErrUnknown) {
			t.Error(err)
		}
	}
	_, err = ring.Resolve(t.Context(), keys.Ref{Name: "k", Delivered: map[string]secret.Text{"signing-key": secret.New("no key")}})
	if !isReason(err, keys.ErrUnreadable) {
		t.Error(err)
	}
}

// Errors of a source have the place in the policy file, and are found at the start.
func TestSourceErrors(t *testing.T) {
	a := edKey(t, time.Time{})
	oct, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), jwkRef("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ text, want string }{
		{`keys: {k: {source: "file:///nonsense"}}`, "policy.yaml:1:20: source: a uri that makes no sense; write another"},
		{`keys: {k: {source: "pkcs11:token=x"}}`, "policy.yaml:1:20: source: this build has no pkcs11: keys; the native edition has it"},
		{`keys: {k: {source: "file:///broken"}}`, "policy.yaml:1:20: source: not a key at all"},
		{`keys: {k: {source: "file:///empty"}}`, "the source has no key"},
		{`keys: {k: {source: "file:///two"}}`, "the source has 2 keys and no time from which each may sign"},
		{`keys: {k: {versions: [{source: "file:///two", from: 2000-01-01T00:00:00Z}]}}`, "the source has 2 keys and one from"},
		{`keys: {k: {source: "file:///two", kid: x}}`, "the source has 2 keys and one kid"},
		{`keys: {k: {source: "file:///oct", publish: true}}`, "this is a secret key, which cannot be published"},
		{`keys: {k: {source: "file:///a", algorithms: [RS256, ES256]}}`, "no listed algorithm fits the key"},
		{`keys: {k: {versions: [{source: "file:///a", from: 2000-01-01T00:00:00Z}, {source: "file:///same", from: 2001-01-01T00:00:00Z}]}}`, "two versions have the same kid"},
		{`keys: {k: {source: "file:///a", publish: true, kid: x}, l: {source: "file:///b", publish: true, kid: x}}`, "policy.yaml:1:57: kid: another published key has this kid"},
	} {
		r := &fixture{memoryStore: newMemoryStore(), text: row.text}
		r.fail("file:///broken", &fault.Error{Reason: keys.ErrUnreadable, Found: "not a key at all"})
		r.put("file:///two", a, ecKey(t))
		r.put("file:///oct", oct)
		r.put("file:///a", a)
		r.put("file:///same", a)
		r.put("file:///b", ecKey(t))
		_, err := keyring.New(t.Context(), r.options(t), nil)
		if _, ok := errors.AsType[*policy.Error](err); !ok || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s\n got %v\nwant %s", row.text, err, row.want)
		}
	}
}

func TestPolicyRestrictsAlgorithms(t *testing.T) {
	r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "file:///a", algorithms: [Ed25519]}}`}
	r.put("file:///a", edKey(t, time.Time{}))
	key, err := r.ring(t, nil).Resolve(t.Context(), keys.Ref{Name: "k"})
	if err != nil || len(key.Algorithms()) != 1 || key.Algorithms()[0] != keys.Ed25519 {
		t.Fatal(key, err)
	}
	if _, err := key.Sign(t.Context(), keys.EdDSA, []byte("x")); !isReason(err, keys.ErrAlgorithmMismatch) {
		t.Error(err)
	}
}

func remoteFixture(t *testing.T, slots int) (*fixture, keys.Key) {
	t.Helper()
	r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "gcpkms://k"}}`, stores: bulkhead.NewGroup(slots, time.Now)}
	r.timed, r.remote = true, true
	r.put("gcpkms://k", edKey(t, time.Now().Add(-time.Hour)))
	key, err := r.ring(t, nil).Resolve(t.Context(), keys.Ref{Name: "k"})
	if err != nil {
		t.Fatal(err)
	}
	return r, key
}
