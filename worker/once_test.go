package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/conductortest"
)

func TestStopsAfter(t *testing.T) {
	for _, c := range []struct {
		name  string
		once  int
		types []string
	}{
		{"one task", 1, []string{"A"}},
		{"one task of two types", 1, []string{"A", "B"}},
		{"seven tasks", 7, []string{"A"}},
		{"seven tasks of two types", 7, []string{"A", "B"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				enqueueType(l, c.types[len(c.types)-1], 20)
				r := start(t, l, Options{TaskTypes: c.types, Once: c.once, Slots: 16, Handler: signIn(time.Second)})
				err := <-r.result
				r.stop()
				if err != nil {
					t.Error(err)
				}
				if err := l.Check(); err != nil {
					t.Error(err)
				}
				if n := l.Counts()[conductortest.Completed]; n != c.once || len(l.Deliveries()) != c.once {
					t.Errorf("%d of %d deliveries completed, want %d", n, len(l.Deliveries()), c.once)
				}
			})
		})
	}
}

func TestStopsAfterTasksThatComeOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		r := start(t, l, Options{Once: 3})
		for range 3 {
			time.Sleep(7 * time.Second)
			enqueue(l, 1)
		}
		if err := <-r.result; err != nil {
			t.Error(err)
		}
		r.stop()
		if took := r.since(); took > 27*time.Second {
			t.Errorf("ended after %s", took)
		}
	})
}
