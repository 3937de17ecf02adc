package worker

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

// refuseUpdates answers the first n updates with err; n < 0 is all of them.
func refuseUpdates(l Server, n int32, err error) (*tap, *atomic.Int32) {
	tried := new(atomic.Int32)
	return &tap{Server: l, onUpdate: func(_ context.Context, _ api.Result, next func() error) error {
		if i := tried.Add(1); n < 0 || i <= n {
			return err
		}
		return next()
	}}, tried
}

func TestUpdateIsRetried(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
	}{
		{"no network", fails(conductor.Network, 0)},
		{"an error of no known kind", errUnclassified},
		{"500", fails(conductor.Server, 500)},
		{"408", fails(conductor.Server, 408)},
		{"401 after a refresh", fails(conductor.Unauthorized, 401)},
		{"429", fails(conductor.Throttled, 429)},
		{"no status and garbage", fails(conductor.Garbled, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				s, tried := refuseUpdates(l, 3, c.err)
				id := enqueue(l, 1)[0]
				r := start(t, l, Options{Server: s})
				r.idle(time.Minute)
				r.drainClean()
				if r.log.count("a call to the server failed") == 0 {
					t.Error("the log does not say that an update failed")
				}
				if tried.Load() != 4 || r.status(id) != api.Completed {
					t.Errorf("%d attempts, and the task is %s", tried.Load(), r.status(id))
				}
			})
		})
	}
}

func TestUpdateIsNotRetriedAfterAPermanentError(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		line string
	}{
		{"400", fails(conductor.Rejected, 400), "did not accept the task's result"},
		{"403", fails(conductor.Forbidden, 403), "did not accept the task's result"},
		{"409", fails(conductor.Rejected, 409), "did not accept the task's result"},
		{"413", fails(conductor.Rejected, 413), "did not accept the task's result"},
		{"404", fails(conductor.NotFound, 404), "no longer knows the task"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				s, tried := refuseUpdates(l, 1, c.err)
				id := l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{Retries: 1, ResponseTimeout: 10 * time.Second}})
				r := start(t, l, Options{Server: s})
				time.Sleep(9 * time.Second)
				if tried.Load() != 1 {
					t.Errorf("%d attempts, want 1", tried.Load())
				}
				if r.log.count(c.line) != 1 || r.log.count(id) == 0 {
					t.Errorf("the log does not say %q of %s, once", c.line, id)
				}
				if r.worker.slots.inUse() > 2 {
					t.Error("the slot was not freed")
				}
				r.idle(time.Minute) // the server delivers it again
				r.drainClean()
			})
		})
	}
}

// A page with status 200 may be a proxy's: the server never got the update.
func TestA2xxThatIsNotTheServersIsNoAcknowledgement(t *testing.T) {
	for _, class := range []conductor.Class{conductor.Garbled, conductor.TooLarge} {
		t.Run(string(class), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				tried := 0
				s := &tap{Server: l, onUpdate: func(_ context.Context, _ api.Result, next func() error) error {
					if tried++; tried < 3 {
						return fails(class, 200)
					}
					return next()
				}}
				ids := enqueue(l, 1)
				r := start(t, l, Options{Server: s})
				r.idle(10 * time.Second)
				r.drainClean()
				if tried != 3 || r.status(ids[0]) != api.Completed {
					t.Errorf("%d attempts, the task is %s; want 3", tried, r.status(ids[0]))
				}
			})
		})
	}
}

func TestUpdateEndsWithTheLease(t *testing.T) {
	for _, c := range []struct {
		name        string
		lease, want time.Duration
	}{
		{"of 10 s", 10 * time.Second, 10 * time.Second},
		{"60 s at most", time.Hour, time.Minute},
		{"60 s where there is none", 0, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				var last time.Time
				attempts := 0
				s := &tap{Server: l, onUpdate: func(context.Context, api.Result, func() error) error {
					last = time.Now()
					attempts++
					return fails(conductor.Server, 500)
				}}
				l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{ResponseTimeout: c.lease}})
				r := start(t, l, Options{Server: s, Once: 1})
				err := <-r.result
				r.stop()
				if at := last.Sub(l.Deliveries()[0].At); at != c.want {
					t.Errorf("the last attempt was after %s, want %s", at, c.want)
				}
				if limit := int(c.want/time.Second) + 15; attempts > limit {
					t.Errorf("%d attempts in %s", attempts, c.want)
				}
				if err != nil { // it was lost before the drain, which has nothing left to do
					t.Errorf("Run returned %v", err)
				}
				if r.log.count("did not accept the task's result") != 1 {
					t.Error("the loss is not in the log")
				}
			})
		})
	}
}

func TestRetryAfterOfAnUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var at []time.Duration
		began := time.Now()
		s := &tap{Server: l, onUpdate: func(_ context.Context, _ api.Result, next func() error) error {
			if at = append(at, time.Since(began)); len(at) == 1 {
				return &conductor.Error{Class: conductor.Throttled, Status: 429, RetryAfter: 7 * time.Second}
			}
			return next()
		}}
		enqueue(l, 1)
		r := start(t, l, Options{Server: s})
		r.idle(time.Minute)
		r.drainClean()
		if len(at) != 2 || at[1]-at[0] < 7*time.Second || at[1]-at[0] > 8*time.Second {
			t.Errorf("attempts at %v, want the second 7 s after the first", at)
		}
	})
}

func TestUpdateThatIsNeverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		attempts := 0
		var waited time.Duration
		s := &tap{Server: l, onUpdate: func(ctx context.Context, _ api.Result, next func() error) error {
			if attempts++; attempts == 1 {
				began := time.Now()
				<-ctx.Done()
				waited = time.Since(began)
				return ctx.Err()
			}
			return next()
		}}
		id := enqueue(l, 1)[0]
		r := start(t, l, Options{Server: s})
		r.idle(15 * time.Second)
		r.drainClean()
		if r.status(id) != api.Completed {
			t.Errorf("the task is %s", r.status(id))
		}
		if waited != 10*time.Second {
			t.Errorf("the answer was awaited for %s", waited)
		}
	})
}

func TestSlotIsHeldUntilTheUpdateIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "update", Fault: conductortest.Fault{Status: 500}}))
		enqueue(l, 10)
		r := start(t, l, Options{Slots: 3, Pollers: 1})
		time.Sleep(10 * time.Second)
		if n := len(l.Deliveries()); n != 3 {
			t.Errorf("%d tasks were taken with 3 slots and no acknowledgement", n)
		}
		if r.worker.Live() != nil {
			t.Error("not live, though all loops are well")
		}
		l.SetFaults(nil)
		r.idle(time.Minute)
		r.drainClean()
	})
}

func TestLaterIsGivenBackWithItsDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		runs := 0
		r := start(t, l, Options{Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			if runs++; runs < 3 {
				return task.Outcome{Status: api.InProgress, After: 4 * time.Second, Reason: "key_unavailable: later", Fault: task.Fault{Code: "key_unavailable"}}
			}
			return sign(ctx, d)
		})})
		id := enqueue(l, 1)[0]
		r.idle(time.Minute)
		r.drainClean()
		s, _ := l.Task(id)
		if s.Status != api.Completed || s.Retry != 0 || s.Polls != 3 {
			t.Errorf("%s after %d polls and %d retries", s.Status, s.Polls, s.Retry)
		}
		if took := s.Ended.Sub(r.began); took < 8*time.Second || took > 9*time.Second {
			t.Errorf("took %s, want twice 4 s", took)
		}
	})
}

func TestResultNamesItsOwnWorkflowAndWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		at := time.Now()
		id := l.Enqueue(conductortest.TaskSpec{Type: jwtType, WorkflowID: "wf-7"})
		failing := l.Enqueue(conductortest.TaskSpec{Type: jwtType, WorkflowID: "wf-8"})
		warned := l.Enqueue(conductortest.TaskSpec{Type: jwtType, WorkflowID: "wf-9"})
		r := start(t, l, Options{WorkerID: "host-1", Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			switch d.ID {
			case failing:
				return task.Outcome{Status: api.FailedWithTerminalError, Reason: "key_weak: privateKey: short", Output: secret.NewJSON(json.RawMessage(`{}`))}
			case warned:
				o := sign(ctx, d)
				o.Warnings = []string{"one", "two"}
				return o
			}
			return sign(ctx, d)
		})})
		r.idle(time.Minute)
		r.drainClean()
		if got := r.only(id); got.WorkflowID != "wf-7" || got.WorkerID != "host-1" || len(got.Logs) != 0 {
			t.Errorf("a completed task: %+v", got)
		}
		if got := r.only(failing); got.WorkflowID != "wf-8" || len(got.Logs) != 1 || got.Logs[0].Text != got.Reason || got.Logs[0].At.Before(at) {
			t.Errorf("a failed task: %+v", got)
		}
		if got := r.only(warned); len(got.Logs) != 2 || got.Logs[1].Text != "warning: two" || got.Logs[1].At.IsZero() {
			t.Errorf("a task with warnings: %+v", got)
		}
	})
}
