package worker

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor/api"
)

func noBeat() {}

func TestSlotsAreNeverOvercommitted(t *testing.T) {
	s := newSlots(5, 2)
	if n := s.take(t.Context(), 0, true, 100, noBeat); n != 4 {
		t.Errorf("the first type took %d of 5, want 4: one is the other type's", n)
	}
	if n := s.take(t.Context(), 1, true, 100, noBeat); n != 1 {
		t.Errorf("the other type took %d, want its own 1", n)
	}
	if !s.full(0) || !s.full(1) || s.inUse() != 5 {
		t.Errorf("full %v %v, in use %d; want all taken", s.full(0), s.full(1), s.inUse())
	}
	s.release(0, 4)
	if n := s.take(t.Context(), 1, false, 100, noBeat); n != 3 {
		t.Errorf("the other type took %d, want 3: one is reserved for the type that holds none", n)
	}
}

func TestSlotsAreGathered(t *testing.T) {
	const limit = 20 * time.Millisecond
	for _, c := range []struct {
		name    string
		freedAt []time.Duration // one slot each
		endAt   time.Duration   // of the context; 0 never
		want    int
		after   time.Duration
	}{
		{"all are free", []time.Duration{0, 0}, 0, 2, 0},
		{"they become free in time", []time.Duration{0, 15 * time.Millisecond}, 0, 2, 15 * time.Millisecond},
		{"one does not", []time.Duration{5 * time.Millisecond}, 0, 1, limit},
		{"none does", nil, 0, 0, limit},
		{"the context ends", []time.Duration{0}, 10 * time.Millisecond, 1, 10 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.endAt > 0 {
					time.AfterFunc(c.endAt, cancel)
				}
				s := newSlots(4, 1)
				s.take(ctx, 0, true, 4, noBeat)
				for _, at := range c.freedAt {
					if at == 0 {
						s.release(0, 1)
						continue
					}
					time.AfterFunc(at, func() { s.release(0, 1) })
				}
				began := time.Now()
				got := s.gather(ctx, 0, 2, limit)
				if took := time.Since(began); got != c.want || took != c.after {
					t.Errorf("%d slots after %s, want %d after %s", got, took, c.want, c.after)
				}
				if n := s.inUse(); n != 4-len(c.freedAt)+got {
					t.Errorf("%d slots in use", n)
				}
				time.Sleep(time.Second)
				s.release(0, 1)
				if n := s.inUse(); n != 4-len(c.freedAt)+got-1 {
					t.Errorf("%d slots in use: one that was released went to a poll that no longer waits", n)
				}
			})
		})
	}
}

func TestASlotOfAPollForOneTaskIsFree(t *testing.T) {
	s := newSlots(2, 1)
	s.take(t.Context(), 0, true, 1, noBeat)
	s.take(t.Context(), 0, false, 1, noBeat)
	if s.full(0) {
		t.Error("full, with one task and one poll")
	}
	s.releasePoll(0, 0)
	if !s.full(0) {
		t.Error("not full, with two tasks")
	}
	s.release(0, 1)
	s.take(t.Context(), 0, false, 1, noBeat)
	s.releasePoll(0, 1)
	if s.inUse() != 1 {
		t.Errorf("%d slots in use after a poll that brought nothing, want 1", s.inUse())
	}
}

func TestSlotsServe(t *testing.T) {
	type request struct {
		kind   int
		urgent bool
	}
	for _, c := range []struct {
		name     string
		held     []int // by type; together they hold all
		requests []request
		first    int
	}{
		{"the first, all else equal", []int{2, 2}, []request{{0, true}, {1, true}}, 0},
		{"the type that holds the fewest", []int{3, 1}, []request{{0, true}, {1, true}}, 1},
		{"an urgent request before a long poll", []int{3, 1}, []request{{1, false}, {0, true}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlots(4, 2)
				for kind, n := range c.held {
					s.take(t.Context(), kind, true, n, noBeat)
				}
				served := make(chan int, len(c.requests))
				ctx, cancel := context.WithCancel(t.Context())
				for i, w := range c.requests {
					go func() {
						if s.take(ctx, w.kind, w.urgent, 1, noBeat) > 0 {
							served <- i
						}
					}()
					synctest.Wait()
				}
				s.release(0, 1)
				synctest.Wait()
				if got := <-served; got != c.first {
					t.Errorf("request %d was served first, want %d", got, c.first)
				}
				cancel()
				synctest.Wait()
				if s.inUse() != 4 {
					t.Errorf("%d slots are in use, want 4: a caller that stops waiting takes nothing", s.inUse())
				}
			})
		})
	}
}

func TestWaitingForSlotsShowsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, 1)
		s.take(t.Context(), 0, true, 1, noBeat)
		beats := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.take(t.Context(), 0, true, 1, func() { beats++ })
		}()
		time.Sleep(5*time.Minute + time.Second)
		s.release(0, 1)
		<-done
		if beats != 15 {
			t.Errorf("%d beats in five minutes, want 15", beats)
		}
	})
}

func TestOneTypeCannotStarveAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		enqueueType(l, "A", 2000)
		r := start(t, l, Options{TaskTypes: []string{"A", "B"}, Slots: 8, Handler: signIn(time.Second)})
		time.Sleep(10 * time.Second)
		enqueueType(l, "B", 100)
		time.Sleep(10 * time.Second)
		var a, b int
		for _, d := range l.Deliveries() {
			if d.At.Sub(r.began) < 12*time.Second {
				continue // B gets its share as A releases slots
			}
			if s, _ := l.Task(d.TaskID); s.Type == "A" {
				a++
			} else {
				b++
			}
		}
		if a+b < 50 {
			t.Fatalf("%d deliveries in 8 seconds, with 8 slots", a+b)
		}
		if share := float64(b) / float64(a+b); share < 0.4 || share > 0.6 {
			t.Errorf("A got %d, B %d; want about half each", a, b)
		}
		r.stop()
		if err := <-r.result; err != nil {
			t.Error(err)
		}
	})
}

func TestAsksForNoMoreThanIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		enqueue(l, 300)
		const slots = 6
		r := start(t, l, Options{Slots: slots, Pollers: 3, Handler: signIn(70 * time.Millisecond)})
		r.idle(time.Minute)
		r.drainClean()
		// At every moment, what is asked for and what is in flight fit the slots.
		type edge struct {
			at time.Time
			n  int
		}
		var edges []edge
		for _, p := range l.Polls() {
			edges = append(edges, edge{p.At, p.Query.Count}, edge{p.Ended, -p.Query.Count})
		}
		for _, d := range l.Deliveries() {
			edges = append(edges, edge{d.At, 1}, edge{d.Ended, -1})
		}
		slices.SortStableFunc(edges, func(a, b edge) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return a.n - b.n
		})
		now, peak := 0, 0
		for _, e := range edges {
			now += e.n
			peak = max(peak, now)
		}
		if peak > slots {
			t.Errorf("%d tasks asked for or in flight at once, with %d slots", peak, slots)
		}
	})
}

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
				if n := l.Counts()[api.Completed]; n != c.once || len(l.Deliveries()) != c.once {
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

// A poller that stops waiting for a slot takes none, and gives none to another.
func TestCallerThatStopsWaitingForASlot(t *testing.T) {
	for name, first := range map[string]bool{"the first": true, "a later one": false} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlots(1, 1)
			s.take(t.Context(), 0, true, 1, noBeat)
			leaving, leave := context.WithCancel(t.Context())
			var served atomic.Int32
			wait := func(ctx context.Context, urgent bool) {
				go func() { served.Add(int32(s.take(ctx, 0, urgent, 1, noBeat))) }()
				synctest.Wait()
			}
			if first {
				wait(leaving, false)
			}
			wait(t.Context(), true)
			if !first {
				wait(leaving, false)
			}
			leave()
			synctest.Wait()
			if n := served.Load(); n != 0 || s.inUse() != 1 || len(s.waiting) != 1 {
				t.Errorf("%s: %d served, %d in use, %d wait", name, n, s.inUse(), len(s.waiting))
			}
			s.release(0, 1)
			synctest.Wait()
			if n := served.Load(); n != 1 || s.inUse() != 1 || !s.full(0) {
				t.Errorf("%s: %d served, %d in use", name, n, s.inUse())
			}
		})
	}
}
