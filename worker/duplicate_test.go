package worker

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/internal/conductortest"
	"conductor-jwt/task"
)

// A second delivery that was received before the task was postponed was taken
// back with it: the server gives the task out again when its time comes.
func TestADeliveryFromBeforeAPostponementIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var runs, polls atomic.Int32
		var first []conductor.Task
		s := &tap{Server: l, onPoll: func(_ context.Context, _ conductor.Query, next func() ([]conductor.Task, error)) ([]conductor.Task, error) {
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
		r := start(t, l, Options{Server: s, Pollers: 1, Handler: handlerFunc(func(ctx context.Context, d task.Delivery) task.Outcome {
			if runs.Add(1) > 1 {
				return sign(ctx, d)
			}
			time.Sleep(2 * time.Second)
			return task.Outcome{Status: task.Later, Reason: "key_unavailable: x", After: time.Minute}
		})})
		time.Sleep(30 * time.Second)
		if runs.Load() != 1 || r.log.count("delivered again while in hand") != 1 {
			t.Errorf("%d runs after %d duplicates before the task's time", runs.Load(), r.log.count("delivered again while in hand"))
		}
		r.idle(2 * time.Minute)
		r.drainClean()
		if runs.Load() != 2 || r.status(id) != conductortest.Completed {
			t.Errorf("%d runs; the task is %s", runs.Load(), r.status(id))
		}
	})
}

// A delivery that has no time left is given back without being run.
func TestADeliveryWhoseTimeIsUpIsNotRun(t *testing.T) {
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
			r := prepare(t, newLedger(), Options{Handler: handlerFunc(func(ctx context.Context, d task.Delivery) task.Outcome {
				ran = true
				return sign(ctx, d)
			})})
			s := spans{polling: t.Context(), working: t.Context(), flushing: t.Context()}
			j := &job{task: conductor.Task{ID: "a", ResponseTimeout: row.lease}, taskType: jwtType, received: time.Now().Add(-row.age)}
			o, _, ok := r.worker.execute(s, j)
			if ok != row.runs || ran != row.runs || ok && o.Status != task.Completed {
				t.Errorf("%s: ran %t, ok %t, %s", row.name, ran, ok, o.Status)
			}
		}
	})
}
