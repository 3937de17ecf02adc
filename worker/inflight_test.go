package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

// repeat delivers each task a second time, with the next poll that asks.
func repeat(l Server) *tap {
	var mu sync.Mutex
	var again []api.Task
	return &tap{Server: l, onPoll: func(_ context.Context, q conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
		mu.Lock()
		if len(again) > 0 {
			n := min(q.Count, len(again))
			tasks := again[:n:n]
			again = again[n:]
			mu.Unlock()
			return tasks, nil
		}
		mu.Unlock()
		tasks, err := next()
		mu.Lock()
		defer mu.Unlock()
		again = append(again, tasks...)
		return tasks, err
	}}
}

func TestTaskInFlightIsNotRunTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		ids := enqueue(l, 40)
		var mu sync.Mutex
		now, runs := map[string]int{}, map[string]int{}
		r := start(t, l, Options{Server: repeat(l), Slots: 8, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			mu.Lock()
			now[d.ID]++
			runs[d.ID]++
			if now[d.ID] > 1 {
				t.Errorf("%s runs twice at once", d.ID)
			}
			mu.Unlock()
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				now[d.ID]--
			}()
			return signIn(time.Second)(ctx, d)
		})})
		r.idle(time.Minute)
		time.Sleep(10 * time.Second)
		if free := r.worker.slots.inUse(); free > 2 {
			t.Errorf("%d slots in use: a duplicate kept its slot", free)
		}
		r.drainClean()
		for _, id := range ids {
			if r.status(id) != api.Completed {
				t.Errorf("%s is %s", id, r.status(id))
			}
		}
	})
}

// A duplicate is received while the first delivery waits for its acknowledgement.
func TestSecondDelivery(t *testing.T) {
	for _, c := range []struct {
		name    string
		outcome api.Status
		err     error // of the first update
		runs    int32
	}{
		{"is settled by a terminal acknowledgement", api.Completed, nil, 1},
		{"runs after an update that was lost", api.Completed, fails(conductor.Rejected, 400), 2},
		{"runs after a give-back whose answer was slow", api.InProgress, nil, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				var runs, updates atomic.Int32
				second := make(chan struct{})
				var polls atomic.Int32
				var first []api.Task
				s := &tap{
					Server: l,
					onPoll: func(_ context.Context, q conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
						tasks, err := next()
						if len(tasks) > 0 && first == nil {
							first = tasks
							return tasks, err
						}
						if first != nil && polls.Add(1) == 1 {
							time.Sleep(500 * time.Millisecond)
							defer close(second)
							return first, nil
						}
						_ = q
						return tasks, err
					},
					onUpdate: func(_ context.Context, _ api.Result, next func() error) error {
						if updates.Add(1) > 1 {
							return next()
						}
						if c.err == nil && c.outcome == api.Completed {
							<-second
							time.Sleep(time.Second)
							return next()
						}
						<-second
						time.Sleep(time.Second)
						return c.err
					},
				}
				id := l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{ResponseTimeout: 30 * time.Second, Retries: 1}})
				r := start(t, l, Options{Server: s, Pollers: 1, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
					if runs.Add(1) == 1 && c.outcome == api.InProgress {
						return task.Outcome{Status: api.InProgress, Reason: "key_unavailable: x"}
					}
					return sign(ctx, d)
				})})
				r.idle(time.Minute)
				r.drainClean()
				if runs.Load() != c.runs || r.status(id) != api.Completed {
					t.Errorf("%d runs, want %d; the task is %s", runs.Load(), c.runs, r.status(id))
				}
			})
		})
	}
}

func TestADuplicateThatTheFirstSettlesIsNotRun(t *testing.T) {
	now := time.Now()
	first := &delivery{task: api.Task{ID: "a"}, received: now, sent: now.Add(3 * time.Second)}
	for _, c := range []struct {
		name     string
		received time.Duration
		end      End
		runs     bool
	}{
		{"received before the give-back was sent", 2 * time.Second, GivenBack, false},
		{"received before the postponement was sent", 2 * time.Second, Postponed, false},
		{"received after it was sent", 4 * time.Second, Postponed, true},
		{"after a terminal update", 4 * time.Second, Acknowledged, false},
		{"after a lost one", 2 * time.Second, LeaseSpent, true},
		{"after one that was refused", 2 * time.Second, Refused, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newInFlight()
			h.add(first)
			again := &delivery{task: api.Task{ID: "a"}, received: now.Add(c.received)}
			if h.add(again) {
				t.Fatal("added a duplicate as a new delivery")
			}
			if next := h.remove(first, c.end); (next == again) != c.runs {
				t.Errorf("runs: %v, want %v", next == again, c.runs)
			}
			if c.runs != (h.size() == 1) {
				t.Errorf("%d in flight", h.size())
			}
		})
	}
}

// Postponing a task also revokes a duplicate that was received before: the server
// delivers the task again when its delay is over.
func TestADuplicateFromBeforeAPostponementIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var runs, polls atomic.Int32
		var first []api.Task
		s := &tap{Server: l, onPoll: func(_ context.Context, _ conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
			if first != nil && polls.Add(1) == 1 {
				time.Sleep(500 * time.Millisecond) // while the first delivery runs
				return first, nil
			}
			tasks, err := next()
			if len(tasks) > 0 && first == nil {
				first = tasks
			}
			return tasks, err
		}}
		id := l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{ResponseTimeout: 30 * time.Second}})
		r := start(t, l, Options{Server: s, Pollers: 1, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			if runs.Add(1) > 1 {
				return sign(ctx, d)
			}
			time.Sleep(2 * time.Second)
			return task.Outcome{Status: api.InProgress, Reason: "key_unavailable: x", After: time.Minute}
		})})
		time.Sleep(30 * time.Second)
		if runs.Load() != 1 || r.log.count("delivered again while in flight") != 1 {
			t.Errorf("%d runs after %d duplicates before the task's time", runs.Load(), r.log.count("delivered again while in flight"))
		}
		r.idle(2 * time.Minute)
		r.drainClean()
		if runs.Load() != 2 || r.status(id) != api.Completed {
			t.Errorf("%d runs; the task is %s", runs.Load(), r.status(id))
		}
	})
}

// A delivery past its deadline is given back without being run.
func TestADeliveryPastItsDeadlineIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			name  string
			age   time.Duration
			lease time.Duration
			runs  bool
		}{
			{"fresh", 0, 10 * time.Second, true},
			{"a second before the end of its lease", 9 * time.Second, 10 * time.Second, true},
			{"at the end of its lease", 10 * time.Second, 10 * time.Second, false},
			{"long after it", time.Minute, 10 * time.Second, false},
			{"with a lease longer than any run", 30 * time.Second, time.Hour, false},
			{"without a lease", 30 * time.Second, 0, false},
		} {
			ran := false
			r := prepare(t, newLedger(), Options{Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
				ran = true
				return sign(ctx, d)
			})})
			ctxs := runContexts{polling: t.Context(), executing: t.Context(), reporting: t.Context()}
			j := &delivery{task: api.Task{ID: "a", ResponseTimeout: row.lease}, taskType: jwtType, received: time.Now().Add(-row.age)}
			o, _, ok := r.worker.execute(ctxs, j)
			if ok != row.runs || ran != row.runs || ok && o.Status != api.Completed {
				t.Errorf("%s: ran %t, ok %t, %s", row.name, ran, ok, o.Status)
			}
		}
	})
}
