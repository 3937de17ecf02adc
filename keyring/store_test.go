package keyring_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

func TestWrongSignatureIsRefused(t *testing.T) {
	r, key := remoteFixture(t, 8)
	r.forge = true
	if _, err := key.Sign(t.Context(), keys.EdDSA, []byte("x")); !isReason(err, keys.ErrUnavailable) {
		t.Error(err)
	}
}

// A store may use a quarter of the slots, and at least one. A further call fails at
// once.
func TestBulkheadIsAQuarterOfTheSlots(t *testing.T) {
	for slots, maxCalls := range map[int]int{1: 1, 7: 1, 8: 2, 50: 12} {
		synctest.Test(t, func(t *testing.T) {
			r, key := remoteFixture(t, slots)
			release, entered := make(chan struct{}), make(chan struct{}, 100)
			r.sign = func(context.Context) error {
				entered <- struct{}{}
				<-release
				return nil
			}
			results := make(chan error, maxCalls)
			for range maxCalls {
				go func() {
					_, err := key.Sign(context.Background(), keys.EdDSA, []byte("x"))
					results <- err
				}()
			}
			for range maxCalls {
				<-entered
			}
			if _, err := key.Sign(t.Context(), keys.EdDSA, []byte("x")); !isReason(err, keys.ErrUnavailable) {
				t.Errorf("call %d with %d slots: %v", maxCalls+1, slots, err)
			}
			close(release)
			for range maxCalls {
				if err := <-results; err != nil {
					t.Error(err)
				}
			}
			if _, err := key.Sign(t.Context(), keys.EdDSA, []byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
}

// A call that panics is released, and counts as a failure.
func TestPanicReleasesItsCall(t *testing.T) {
	r, key := remoteFixture(t, 4)
	r.sign = func(context.Context) error { panic("a bug") }
	for range 5 {
		func() {
			defer func() { _ = recover() }()
			_, err := key.Sign(t.Context(), keys.EdDSA, []byte("x"))
			t.Errorf("the store was not called: %v", err)
		}()
	}
	if !r.stores.Open()["gcpkms"] {
		t.Error("the breaker is closed after five panics")
	}
}

// After five failures in a row the breaker allows one call in five seconds.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, key := remoteFixture(t, 8)
		calls, fault := 0, unavailable()
		r.sign = func(context.Context) error { calls++; return fault }
		try := func() error { _, err := key.Sign(t.Context(), keys.EdDSA, []byte("x")); return err }
		for range 20 {
			if err := try(); !isReason(err, keys.ErrUnavailable) {
				t.Error(err)
			}
		}
		if calls != 5 || !r.stores.Open()["gcpkms"] {
			t.Errorf("%d calls of 20", calls)
		}
		time.Sleep(5*time.Second - time.Millisecond)
		_ = try()
		if calls != 5 {
			t.Errorf("%d calls before five seconds", calls)
		}
		time.Sleep(time.Millisecond)
		_, _ = try(), try()
		if calls != 6 {
			t.Errorf("%d calls after five seconds, want one more", calls)
		}
		fault = nil
		time.Sleep(5 * time.Second)
		for range 3 {
			if err := try(); err != nil {
				t.Error(err)
			}
		}
		if calls != 9 || r.stores.Open()["gcpkms"] {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestBreakerIgnoresRefusals(t *testing.T) {
	r, key := remoteFixture(t, 8)
	calls := 0
	r.sign = func(context.Context) error {
		calls++
		return &fault.Error{Reason: keys.ErrUse, Found: "not for signing"}
	}
	for range 10 {
		if _, err := key.Sign(t.Context(), keys.EdDSA, []byte("x")); !isReason(err, keys.ErrUse) {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.sign = func(ctx context.Context) error { calls++; return ctx.Err() }
	for range 10 {
		_, _ = key.Sign(ctx, keys.EdDSA, []byte("x"))
	}
	if calls != 20 {
		t.Errorf("%d calls of 20", calls)
	}
}

// A call ends after five seconds, or with its task.
func TestCallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, key := remoteFixture(t, 8)
		r.sign = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		for _, row := range []struct {
			task, want time.Duration
			reason     error
		}{
			{30 * time.Second, 5 * time.Second, keys.ErrUnavailable},
			{2 * time.Second, 2 * time.Second, context.DeadlineExceeded},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), row.task)
			began := time.Now()
			_, err := key.Sign(ctx, keys.EdDSA, []byte("x"))
			if took := time.Since(began); took != row.want || !errors.Is(err, row.reason) {
				t.Errorf("a task of %s: %v after %s", row.task, err, took)
			}
			cancel()
		}
	})
}
