package bulkhead_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/bulkhead"
)

var errDown = errors.New("down")

func TestAServiceMayUseAQuarterOfTheSlots(t *testing.T) {
	for slots, want := range map[int]int{1: 1, 7: 1, 8: 2, 50: 12} {
		b := bulkhead.NewGroup(slots, time.Now).Of("a")
		var releases []func(error)
		for range want {
			release, err := b.Acquire()
			if err != nil {
				t.Fatalf("with %d slots: %v", slots, err)
			}
			releases = append(releases, release)
		}
		if _, err := b.Acquire(); !errors.Is(err, bulkhead.ErrFull) {
			t.Errorf("call %d with %d slots: %v", want+1, slots, err)
		}
		releases[0](nil)
		if _, err := b.Acquire(); err != nil {
			t.Errorf("after a call has ended, with %d slots: %v", slots, err)
		}
	}
}

func TestABreakerOpensAfterFiveFailuresInARowAndProbesEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		group := bulkhead.NewGroup(8, time.Now)
		b := group.Of("a")
		call := func(end error) error {
			release, err := b.Acquire()
			if err == nil {
				release(end)
			}
			return err
		}
		for _, end := range []error{errDown, errDown, errDown, errDown, nil, errDown, errDown, errDown, errDown, bulkhead.ErrUnknownEnd} {
			if err := call(end); err != nil {
				t.Fatal(err)
			}
		}
		if group.Open()["a"] {
			t.Error("open after four failures in a row")
		}
		_ = call(errDown)
		if err := call(nil); !errors.Is(err, bulkhead.ErrOpen) || !group.Open()["a"] {
			t.Errorf("after five failures in a row: %v", err)
		}
		if release, err := group.Of("b").Acquire(); err != nil {
			t.Errorf("another service: %v", err)
		} else {
			release(nil)
		}
		time.Sleep(5*time.Second - time.Millisecond)
		if err := call(nil); !errors.Is(err, bulkhead.ErrOpen) {
			t.Errorf("before five seconds: %v", err)
		}
		time.Sleep(time.Millisecond)
		if err := call(errDown); err != nil {
			t.Errorf("the probe: %v", err)
		}
		if err := call(nil); !errors.Is(err, bulkhead.ErrOpen) {
			t.Errorf("after a probe that failed: %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := call(nil); err != nil {
			t.Errorf("the second probe: %v", err)
		}
		if err := call(nil); err != nil || group.Open()["a"] {
			t.Errorf("after a probe that succeeded: %v", err)
		}
	})
}
