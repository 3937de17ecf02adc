package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

func TestDrainUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		enqueue(l, 150)
		r := start(t, l, Options{Slots: 16, Handler: signIn(2 * time.Second)})
		time.Sleep(5 * time.Second)
		polls := len(l.Polls())
		r.drainClean()
		if took := r.since() - 5*time.Second; took > 3*time.Second {
			t.Errorf("the drain took %s, want the time of one task", took)
		}
		if n := len(l.Polls()); n != polls {
			t.Errorf("%d polls began after the drain had", n-polls)
		}
		counts := l.Counts()
		if counts[api.InProgress] != 0 || counts[api.Completed] == 0 || counts[conductortest.Scheduled] == 0 {
			t.Errorf("tasks stand at %v, want none in progress", counts)
		}
		next := start(t, l, Options{Slots: 16, WorkerID: "w2"})
		next.idle(time.Minute)
		next.drainClean()
		if n := l.Counts()[api.Completed]; n != 150 {
			t.Errorf("%d of 150 completed", n)
		}
	})
}

func TestDrainRunsWhatThePollInFlightBrings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		r := start(t, l, Options{Pollers: 1})
		time.Sleep(6 * time.Second) // a second into a long poll
		r.stop()
		time.Sleep(time.Second)
		if ok, h := r.worker.Ready(); ok || !h.Draining {
			t.Error("ready while draining")
		}
		id := enqueue(l, 1)[0]
		if err := <-r.result; err != nil {
			t.Error(err)
		}
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if r.status(id) != api.Completed {
			t.Errorf("the task that the last poll brought is %s", r.status(id))
		}
		for _, p := range l.Polls() {
			if p.Abandoned {
				t.Error("a poll was cancelled in flight")
			}
		}
	})
}

func TestPollInFlightIsAwaitedHoweverShortTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		r := start(t, l, Options{Pollers: 1, DrainTimeout: time.Second})
		time.Sleep(6 * time.Second)
		r.stop()
		time.Sleep(2 * time.Second) // the drain timeout is over
		id := enqueue(l, 1)[0]
		if err := <-r.result; err != nil {
			t.Error(err)
		}
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if r.status(id) != conductortest.Scheduled {
			t.Errorf("the task that came too late is %s, want it given back", r.status(id))
		}
	})
}

func TestDrainGivesBackWhatItCannotFinish(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler Handler
	}{
		{"a handler that heeds its context", signIn(20 * time.Second)},
		{"a handler that does not", handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			sleep(context.Background(), 20*time.Second) //nolint:contextcheck // that is the point
			return sign(ctx, d)
		})},
		{"a handler that asks for later when it is stopped", handlerFunc(func(ctx context.Context, _ api.Task) task.Outcome {
			sleep(ctx, 20*time.Second)
			return task.Outcome{Status: api.InProgress, After: time.Minute, Reason: "key_unavailable: x"}
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				ids := enqueue(l, 3)
				r := start(t, l, Options{Pollers: 1, DrainTimeout: 5 * time.Second, Handler: c.handler})
				time.Sleep(time.Second)
				r.stop()
				if err := <-r.result; err != nil {
					t.Error(err)
				}
				if took := r.since() - time.Second; took > 6*time.Second {
					t.Errorf("the drain took %s, want 5 s", took)
				}
				for _, id := range ids {
					if s, _ := l.Task(id); s.Status != conductortest.Scheduled || s.Retry != 0 || s.Due.After(time.Now()) {
						t.Errorf("%s is %s, due %s, retry %d", id, s.Status, s.Due, s.Retry)
					}
				}
				next := start(t, l, Options{WorkerID: "w2"})
				next.idle(time.Minute)
				next.drainClean()
				time.Sleep(time.Minute) // until the abandoned handler has returned
			})
		})
	}
}

func TestDrainWhileTheServerIsDown(t *testing.T) {
	for _, c := range []struct {
		name string
		back time.Duration // after the drain began; 0 never
		left int
	}{
		{"names what is left", 0, 3},
		{"flushes when it comes back in time", 3 * time.Second, 0},
		{"gives back when it comes back at the last moment", 11 * time.Second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				for range 3 {
					l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{Retries: 3, ResponseTimeout: time.Minute}})
				}
				r := start(t, l, Options{Pollers: 1, DrainTimeout: 10 * time.Second, Handler: signIn(time.Second)})
				r.worker.jitter = func(d time.Duration) time.Duration { return d / 2 }
				time.Sleep(500 * time.Millisecond)
				l.SetFaults(func(conductortest.Call) conductortest.Fault {
					return conductortest.Fault{Err: fails(conductor.Network, 0)}
				})
				time.Sleep(time.Second)
				r.stop()
				if c.back > 0 {
					time.Sleep(c.back)
					l.SetFaults(nil)
				}
				err := <-r.result
				var left *DrainError
				switch {
				case c.left == 0 && err != nil:
					t.Errorf("Run returned %v", err)
				case c.left > 0 && (!errors.As(err, &left) || left.Left != c.left):
					t.Errorf("Run returned %v, want %d tasks left", err, c.left)
				}
				if took := r.since(); took > 16*time.Second {
					t.Errorf("ended after %s", took)
				}
				l.SetFaults(nil)
				next := start(t, l, Options{WorkerID: "w2"})
				next.idle(3 * time.Minute)
				next.drainClean()
				if n := l.Counts()[api.Completed]; n != 3 {
					t.Errorf("%d of 3 completed in the end", n)
				}
			})
		})
	}
}

func TestDrainDoesNotCountATaskThatTheServerForgot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		id := enqueue(l, 1)[0]
		r := start(t, l, Options{Pollers: 1, Handler: signIn(3 * time.Second)})
		time.Sleep(time.Second)
		r.stop()
		l.Forget(id)
		if err := <-r.result; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestAbortEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		enqueue(l, 2)
		r := start(t, l, Options{Handler: signIn(20 * time.Second)})
		time.Sleep(time.Second)
		r.stop()
		time.Sleep(time.Second)
		before := time.Now()
		r.worker.Abort()
		r.worker.Abort() // a third signal
		if err := <-r.result; !errors.Is(err, ErrAborted) {
			t.Errorf("Run returned %v", err)
		}
		if time.Since(before) > 0 {
			t.Errorf("it took %s", time.Since(before))
		}
	})
}

func TestAbortWithoutADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newLedger(), Options{})
		time.Sleep(time.Second)
		r.worker.Abort()
		if err := <-r.result; !errors.Is(err, ErrAborted) {
			t.Errorf("Run returned %v", err)
		}
		r.stop()
	})
}

func TestDrainEndsThoughAClientHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var hung atomic.Int32
		s := &tap{Server: l, onPoll: func(ctx context.Context, _ conductor.Query, _ func() ([]api.Task, error)) ([]api.Task, error) {
			hung.Add(1)
			<-ctx.Done() // longer than any client of ours would wait
			return nil, ctx.Err()
		}}
		r := start(t, l, Options{Server: s, DrainTimeout: 2 * time.Second})
		time.Sleep(time.Second)
		r.drainClean()
		if took := r.since(); took < 16*time.Second || took > 21*time.Second {
			t.Errorf("ended after %s, want the longest that a poll can take", took)
		}
	})
}

// Run waits for a client that ignores its context as long as a poll and its tasks
// can take: the poll's timeout and margin, 3 s to give a task back and 1 s for the
// last attempt.
func TestDrainEndsThoughAClientIgnoresItsContext(t *testing.T) {
	for drain, want := range map[time.Duration]time.Duration{
		2 * time.Second:  conductortest.MaxPollTimeout + conductor.PollMargin + 4*time.Second,
		60 * time.Second: 64 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			let := make(chan struct{})
			s := &tap{Server: newLedger(), onPoll: func(context.Context, conductor.Query, func() ([]api.Task, error)) ([]api.Task, error) {
				<-let
				return nil, nil
			}}
			r := start(t, newLedger(), Options{Server: s, DrainTimeout: drain})
			time.Sleep(time.Second)
			r.stop()
			if err := <-r.result; err != nil {
				t.Error(err)
			}
			if took := r.since() - time.Second; took != want {
				t.Errorf("a drain of %s took %s, want %s", drain, took, want)
			}
			close(let)
		})
	}
}

func TestAWorkerRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, newLedger(), Options{})
		time.Sleep(time.Second)
		if err := r.worker.Run(t.Context()); !errors.Is(err, ErrRunning) {
			t.Errorf("a second Run returned %v", err)
		}
		r.drainClean()
	})
}

func TestKilledWorkerLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		for range 60 {
			l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{Retries: 20, ResponseTimeout: 2 * time.Second}})
		}
		for range 10 {
			r := start(t, l, Options{Slots: 5, Pollers: 2, Handler: signIn(300 * time.Millisecond)})
			time.Sleep(730 * time.Millisecond)
			r.worker.Abort() // to the server there is no difference: silence
			if err := <-r.result; !errors.Is(err, ErrAborted) {
				t.Fatal(err)
			}
			r.stop()
		}
		r := start(t, l, Options{Slots: 16})
		r.idle(time.Minute)
		r.drainClean()
		if n := l.Counts()[api.Completed]; n != 60 {
			t.Errorf("%d of 60 completed", n)
		}
	})
}
