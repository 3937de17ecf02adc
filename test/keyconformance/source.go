package keyconformance

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// Store is a key store under test, with one key in it.
type Store struct {
	Source keys.Source // of that key
	Absent keys.Source // of a key that the store does not have

	// Rotate adds a version to the key; nil if the store has no versions.
	Rotate func()
	// Fail makes every answer fail with a status, in the form of the real store;
	// 0 ends it. nil if there are no requests.
	Fail func(status int)
	// Hold makes every request wait until release is called; nil if there are no
	// requests.
	Hold func() (release func())
}

// RunStore checks the sources of a store.
func RunStore(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	t.Run("a key", func(t *testing.T) {
		Run(t, func(t *testing.T) keys.Key {
			t.Helper()
			return newest(t, open(t).Source)
		})
	})
	t.Run("an absent key", func(t *testing.T) { absent(t, open(t)) })
	t.Run("a rotation", func(t *testing.T) { rotates(t, open(t)) })
	t.Run("a rotation while it signs", func(t *testing.T) { rotatesWhileSigning(t, open(t)) })
	t.Run("faults", func(t *testing.T) { fails(t, open(t)) })
	t.Run("a store that does not answer", func(t *testing.T) { hangs(t, open(t)) })
}

func versions(t *testing.T, s keys.Source) []keys.Key {
	t.Helper()
	list, err := s.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no version")
	}
	return list
}

func newest(t *testing.T, s keys.Source) keys.Key {
	t.Helper()
	list := versions(t, s)
	return list[len(list)-1]
}

func absent(t *testing.T, s Store) {
	t.Helper()
	if s.Absent == nil {
		return
	}
	list, err := s.Absent.Versions(t.Context())
	if len(list) > 0 || !errors.Is(err, keys.ErrMissing) {
		t.Errorf("Versions = %d keys, %v; want none, ErrMissing", len(list), err)
	}
}

// rotates checks that the previous version still signs, and that it differs from
// the new one.
func rotates(t *testing.T, s Store) {
	t.Helper()
	before := versions(t, s.Source)
	old := before[len(before)-1]
	if s.Source.Timed() == old.Created().IsZero() {
		t.Errorf("Timed = %t, but the version was created at %s", s.Source.Timed(), old.Created())
	}
	if s.Rotate == nil {
		return
	}
	s.Rotate()
	after := versions(t, s.Source)
	if len(after) != len(before)+1 {
		t.Fatalf("%d versions after a rotation, want %d", len(after), len(before)+1)
	}
	for i, k := range after[1:] {
		if k.Created().Before(after[i].Created()) {
			t.Error("the versions are not in the order of their creation")
		}
	}
	was, errWas := keys.Thumbprint(old)
	kept, errKept := keys.Thumbprint(after[len(before)-1])
	is, errIs := keys.Thumbprint(after[len(after)-1])
	if errWas != nil || errKept != nil || errIs != nil || was != kept || was == is {
		t.Error("the thumbprints are not those of one old and one new version", errWas, errKept, errIs)
	}
	for _, k := range append(after, old) {
		verifies(t, k)
	}
}

func verifies(t *testing.T, k keys.Key) {
	t.Helper()
	v, err := keys.VerifierOf(k)
	if err != nil {
		t.Fatal(err)
	}
	alg := k.Algorithms()[0]
	input := signingInput(t, alg, "one")
	signature, err := k.Sign(t.Context(), alg, input)
	if err == nil {
		err = v.Verify(alg, input, signature)
	}
	if err != nil {
		t.Error(err)
	}
}

func rotatesWhileSigning(t *testing.T, s Store) {
	t.Helper()
	if s.Rotate == nil {
		return
	}
	key := newest(t, s.Source)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			s.Rotate()
			_, _ = s.Source.Versions(t.Context()) // for the race detector
		}
	}()
	for range 8 {
		verifies(t, key)
	}
	<-done
}

// fails checks that every failure is ErrUnavailable, and also ErrRefused if the
// store refused.
func fails(t *testing.T, s Store) {
	t.Helper()
	if s.Fail == nil {
		return
	}
	key := newest(t, s.Source)
	for status, refused := range map[int]bool{
		http.StatusForbidden: true, http.StatusNotFound: true, http.StatusBadRequest: true,
		http.StatusTooManyRequests: false, http.StatusInternalServerError: false, http.StatusServiceUnavailable: false,
	} {
		s.Fail(status)
		list, err := s.Source.Versions(t.Context())
		if list != nil || err == nil || !errors.Is(err, keys.ErrUnavailable) && status != http.StatusNotFound {
			t.Errorf("status %d: Versions = %d keys, %v; want none and an error", status, len(list), err)
		}
		if !s.Source.Remote() {
			continue
		}
		signature, err := key.Sign(t.Context(), key.Algorithms()[0], signingInput(t, key.Algorithms()[0], "one"))
		if signature != nil || !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrRefused) != refused {
			t.Errorf("status %d: Sign = %d bytes, %v; want none, ErrUnavailable, and ErrRefused: %t", status, len(signature), err, refused)
		}
		if _, ok := errors.AsType[*fault.Error](err); !ok {
			t.Errorf("status %d: the error of Sign has the type %T, want one that wraps *fault.Error", status, err)
		}
	}
	s.Fail(0)
	verifies(t, newest(t, s.Source))
}

func hangs(t *testing.T, s Store) {
	t.Helper()
	if s.Hold == nil {
		return
	}
	key := newest(t, s.Source)
	release := s.Hold()
	defer release()
	for name, call := range map[string]func(context.Context) error{
		"versions": func(ctx context.Context) error { _, err := s.Source.Versions(ctx); return err },
		"sign": func(ctx context.Context) error {
			_, err := key.Sign(ctx, key.Algorithms()[0], signingInput(t, key.Algorithms()[0], "one"))
			return err
		},
	} {
		if name == "sign" && !s.Source.Remote() {
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- call(ctx) }()
		select {
		case err := <-ended:
			t.Errorf("%s returned before the store responded: %v", name, err)
		case <-time.After(promptly):
		}
		cancel()
		select {
		case err := <-ended:
			if !errors.Is(err, keys.ErrUnavailable) && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want ErrUnavailable or context.Canceled", name, err)
			}
		case <-time.After(20 * promptly): // long, for a machine under load
			t.Errorf("%s does not return when its context ends", name)
		}
	}
}
