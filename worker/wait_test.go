package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
)

func TestBackoff(t *testing.T) {
	lowest := func(time.Duration) time.Duration { return 0 }
	highest := func(d time.Duration) time.Duration { return d }
	for _, row := range []struct {
		class     conductor.Class
		failures  int
		after     time.Duration
		low, high time.Duration
	}{
		{conductor.Forbidden, 1, 0, 4500 * time.Millisecond, 5500 * time.Millisecond},
		{conductor.NotFound, 9, time.Hour, 4500 * time.Millisecond, 5500 * time.Millisecond},
		{conductor.Rejected, 1, 0, 4500 * time.Millisecond, 5500 * time.Millisecond},
		{conductor.Network, 1, 0, 0, 100 * time.Millisecond},
		{conductor.Network, 2, 0, 0, 200 * time.Millisecond},
		{conductor.Server, 6, 0, 0, 3200 * time.Millisecond},
		{conductor.Server, 7, 0, 0, 5 * time.Second},
		{conductor.Server, 1_000_000, 0, 0, 5 * time.Second},
		{conductor.Throttled, 1, 3 * time.Second, 3 * time.Second, 3100 * time.Millisecond},
		{conductor.Throttled, 1, conductor.MaxRetryAfter, conductor.MaxRetryAfter, conductor.MaxRetryAfter},
	} {
		err := &conductor.Error{Class: row.class, RetryAfter: row.after}
		if a, b := pollBackoff(err, row.failures, lowest), pollBackoff(err, row.failures, highest); a != row.low || b != row.high {
			t.Errorf("%s, failure %d: %s to %s, want %s to %s", row.class, row.failures, a, b, row.low, row.high)
		}
	}
	err := &conductor.Error{Class: conductor.Throttled, RetryAfter: time.Second}
	if a, b := retryBackoff(err, 1, lowest), retryBackoff(err, 2, highest); a != time.Second || b != 1200*time.Millisecond {
		t.Errorf("an update waits %s to %s", a, b)
	}
	if backoffLimit(0) != 0 || backoffLimit(-1) != 0 || fullJitter(0) != 0 || fullJitter(1) != 0 {
		t.Error("a wait without a failure")
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			pause, until time.Duration
			beats        int
			whole        bool
		}{
			{time.Second, time.Hour, 0, true},
			{beatInterval, time.Hour, 0, true},
			{3 * beatInterval, time.Hour, 2, true},
			{3 * beatInterval, beatInterval / 2, 0, false},
			{3 * beatInterval, 5 * beatInterval / 2, 2, false},
			{0, time.Hour, 0, true},
			{0, 0, 0, false},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), row.until)
			began, beats := time.Now(), 0
			whole := sleepBeating(ctx, row.pause, func() { beats++ })
			if took := time.Since(began); whole != row.whole || beats != row.beats || took != min(row.pause, row.until) {
				t.Errorf("%s of %s: %t with %d beats after %s", row.until, row.pause, whole, beats, took)
			}
			cancel()
		}
	})
}
