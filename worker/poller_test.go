package worker

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

func newLedger() *conductortest.Ledger {
	return conductortest.NewLedger(conductortest.Options{})
}

func newTickLedger() *conductortest.Ledger {
	return conductortest.NewLedger(conductortest.Options{Mode: conductortest.FillOrTimeout})
}

// asks is what a poll asked for: its count, and whether it waits.
type ask struct {
	count int
	waits bool
}

func asks(polls []conductortest.Poll) []ask {
	var out []ask
	for _, p := range polls {
		out = append(out, ask{p.Query.Count, p.Query.Timeout > 0})
	}
	return out
}

func TestDoorbell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTickLedger()
		r := start(t, l, Options{Slots: 8, Pollers: 1, Handler: signIn(10 * time.Millisecond)})
		time.Sleep(time.Second)
		enqueue(l, 12)
		time.Sleep(time.Second)
		r.drainClean()
		want := []ask{
			{1, false}, // is the server there?
			{1, true},  // idle
			{1, true},  // one task is in flight
			{6, false}, // the second was queued behind the first; six slots are free
		}
		got := asks(l.Polls())
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Fatalf("polls %v, want them to begin %v", got, want)
		}
		if last := got[len(got)-1]; last != (ask{1, true}) {
			t.Errorf("the last poll is %v, want to be idle again", last)
		}
		for i, p := range l.Polls() {
			if p.Query.Count > 1 && p.Query.Timeout > 0 {
				t.Errorf("poll %d waits for %d tasks", i, p.Query.Count)
			}
			if p.Query.TaskType != jwtType || p.Query.WorkerID != "w1" {
				t.Errorf("poll %d is for %q by %q", i, p.Query.TaskType, p.Query.WorkerID)
			}
		}
		if before := l.Polls()[len(got)-2]; before.Returned >= before.Query.Count {
			t.Errorf("went idle after a poll that brought all of the %d tasks that it asked for", before.Returned)
		}
	})
}

// skewedTickLedger is a server whose clock is ahead of the worker's by skew.
func skewedTickLedger(skew time.Duration) *conductortest.Ledger {
	return conductortest.NewLedger(conductortest.Options{
		Mode: conductortest.FillOrTimeout, Now: func() time.Time { return time.Now().Add(skew) },
	})
}

// Behind a task that was fetched within a tick none is queued, so that it costs
// one poll, whatever the server's clock says.
func TestATaskAloneCostsOnePoll(t *testing.T) {
	for _, skew := range []time.Duration{0, -time.Hour, -300 * time.Millisecond, 300 * time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			l := skewedTickLedger(skew)
			r := start(t, l, Options{Slots: 8})
			time.Sleep(time.Second)
			before := len(l.Polls())
			for range 50 {
				time.Sleep(230 * time.Millisecond)
				enqueue(l, 1)
			}
			r.idle(time.Minute)
			for _, p := range l.Polls()[before:] {
				if p.Query.Timeout == 0 {
					t.Fatalf("skew %s: a batch poll for %d tasks, of which there are none", skew, p.Query.Count)
				}
			}
			if n := len(l.Polls()) - before; n > 55 {
				t.Errorf("skew %s: %d polls for 50 tasks", skew, n)
			}
			r.drainClean()
		})
	}
}

// A backlog is fetched in batches, whatever the server's clock says, and also if
// the server does not say when a task was queued or given out.
func TestABacklogIsFetchedInBatches(t *testing.T) {
	for what, test := range map[string]struct {
		skew  time.Duration
		strip func(*api.Task)
	}{
		"no skew":                   {},
		"a server ahead":            {skew: time.Hour},
		"a server behind":           {skew: -time.Hour},
		"no scheduledTime":          {strip: func(t *api.Task) { t.Scheduled = time.Time{} }},
		"no startTime":              {strip: func(t *api.Task) { t.Started = time.Time{} }},
		"neither of the two":        {strip: func(t *api.Task) { t.Scheduled, t.Started = time.Time{}, time.Time{} }},
		"nodes whose clocks differ": {strip: func(t *api.Task) { t.Started = t.Scheduled.Add(-time.Second) }},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := skewedTickLedger(test.skew)
				s := &tap{Server: l, onPoll: func(_ context.Context, _ conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
					time.Sleep(5 * time.Millisecond) // on the wire
					tasks, err := next()
					for i := range tasks {
						if test.strip != nil {
							test.strip(&tasks[i])
						}
					}
					return tasks, err
				}}
				r := start(t, l, Options{Server: s, Slots: 10, Pollers: 4, Handler: signIn(10 * time.Millisecond)})
				time.Sleep(time.Second)
				before := len(l.Polls())
				enqueue(l, 400)
				r.idle(time.Minute)
				if n := len(l.Polls()) - before; n > 110 { // a batch has four or more tasks
					t.Errorf("%d polls for a backlog of 400", n)
				}
				r.drainClean()
			})
		})
	}
}

// A batch poll without an answer holds up the other pollers for maxBatchWait.
func TestABatchPollWithoutAnAnswerHoldsUpNoBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTickLedger()
		var hung atomic.Bool
		s := &tap{Server: l, onPoll: func(ctx context.Context, q conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
			if q.Count > 1 && hung.CompareAndSwap(false, true) {
				time.Sleep(15 * time.Second)
				return nil, fails(conductor.Network, 0)
			}
			return next()
		}}
		r := start(t, l, Options{Server: s, Slots: 10, Handler: signIn(10 * time.Millisecond)})
		time.Sleep(time.Second)
		enqueue(l, 400)
		time.Sleep(10 * time.Second)
		if n := l.Counts()[api.Completed]; !hung.Load() || n != 400 {
			t.Errorf("%d tasks completed while a poll has no answer, want 400", n)
		}
		r.idle(time.Minute)
		r.drainClean()
	})
}

// A batch poll does not wait for slots that slow tasks hold.
func TestSlowTasksHoldUpNoBatchPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTickLedger()
		var begun atomic.Int32
		r := start(t, l, Options{Slots: 10, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			if begun.Add(1) <= 9 {
				return signIn(20*time.Second)(ctx, d)
			}
			return signIn(time.Millisecond)(ctx, d)
		})})
		enqueue(l, 109)
		time.Sleep(5 * time.Second)
		if n := l.Counts()[api.Completed]; n != 100 {
			t.Errorf("%d tasks completed beside 9 that are slow, want 100", n)
		}
		r.idle(time.Minute)
		r.drainClean()
	})
}

func TestNoBatchPollFollowsTheDrain(t *testing.T) {
	for at := range 60 {
		synctest.Test(t, func(t *testing.T) {
			l := newTickLedger()
			var begun atomic.Int32
			r := start(t, l, Options{Slots: 9, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
				return signIn(time.Duration(7*begun.Add(1))*time.Millisecond)(ctx, d)
			})})
			enqueue(l, 200)
			time.Sleep(100*time.Millisecond + time.Duration(at)*time.Millisecond)
			synctest.Wait()
			before := len(l.Polls())
			r.drainClean()
			if n := len(l.Polls()) - before; n > 0 {
				t.Errorf("%d polls after the drain began", n)
			}
		})
	}
}

func TestEachColdPollStartsAtItsOwnPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTickLedger()
		const k = 4
		r := start(t, l, Options{Slots: 16, Pollers: k})
		time.Sleep(10 * time.Minute)
		seen := map[time.Duration]int{}
		polls := 0
		for _, p := range l.Polls() {
			if p.Query.Timeout == 0 {
				continue
			}
			polls++
			phase := p.At.Sub(r.began) % tick
			seen[phase.Round(time.Millisecond)]++
		}
		for i := range k {
			if n := seen[phaseOf(i, k).Round(time.Millisecond)]; n < 100 {
				t.Errorf("poller %d: %d long polls began at %s, want over 100 in ten minutes (%v)", i, n, phaseOf(i, k), seen)
			}
		}
		if len(seen) != k {
			t.Errorf("long polls began at the phases %v, want %d of them", seen, k)
		}
		r.drainClean()
	})
}

func TestQueueIsNeverUnattended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger() // answers at once
		r := start(t, l, Options{Slots: 16, Pollers: 2})
		time.Sleep(time.Second)
		for range 200 {
			time.Sleep(3 * time.Millisecond)
			enqueue(l, 1)
		}
		r.idle(time.Second)
		var late time.Duration
		for i, d := range l.Deliveries() {
			enqueued := r.began.Add(time.Second + time.Duration(i+1)*3*time.Millisecond)
			late = max(late, d.At.Sub(enqueued))
		}
		if late > 0 {
			t.Errorf("a task waited %s for a poll, on a server that answers at once", late)
		}
		r.drainClean()
	})
}

// With as many pollers as slots, the long polls hold all slots, and none counts as
// taken.
func TestASlotOfALongPollIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newLedger(), NewMetrics([]string{jwtType})
		r := start(t, l, Options{Slots: 2, Pollers: 2, Metrics: m})
		for range 20 {
			time.Sleep(time.Second)
			enqueue(l, 1)
		}
		r.idle(time.Second)
		got, _ := exposition(t, m)
		if n := got[`task_execution_queue_full_total{taskType="GET_SIGNED_JWT"}`]; n > 0 {
			t.Errorf("full %v times with at most one task in flight", n)
		}
		r.drainClean()
	})
}

func TestMoreTasksThanAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "poll", Fault: conductortest.Fault{Extra: 20}}))
		enqueue(l, 21)
		var running, peak atomic.Int32
		r := start(t, l, Options{Slots: 2, Pollers: 1, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			peak.Store(max(peak.Load(), running.Add(1)))
			defer running.Add(-1)
			return signIn(time.Second)(ctx, d)
		})})
		time.Sleep(5 * time.Second)
		if n := len(l.Polls()); n != 1 {
			t.Errorf("%d polls, want 1: no more while leased tasks wait for slots", n)
		}
		r.idle(time.Minute)
		if peak.Load() > 2 {
			t.Errorf("%d tasks ran at once on 2 slots", peak.Load())
		}
		r.drainClean()
	})
}

func TestSurplusThatCannotStartInTimeIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "poll", Times: 1, Fault: conductortest.Fault{Extra: 9}}))
		enqueue(l, 10)
		r := start(t, l, Options{Slots: 1, Pollers: 1, Handler: signIn(8 * time.Second)})
		r.idle(5 * time.Minute)
		back := 0
		for _, d := range l.Deliveries() {
			if d.End == conductortest.EndGivenBack {
				back++
			}
		}
		// One is slow, so two start within half of the 30 s.
		if back < 8 {
			t.Errorf("%d tasks were given back, want those that could not start", back)
		}
		r.drainClean()
	})
}

func TestAnswerOverTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var refused atomic.Bool
		s := &tap{Server: l, onPoll: func(_ context.Context, q conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
			if q.Count > 1 && refused.CompareAndSwap(false, true) {
				return nil, fails(conductor.TooLarge, 200)
			}
			return next()
		}}
		enqueue(l, 200)
		r := start(t, l, Options{Server: s, Slots: 8, Pollers: 1, Handler: signIn(10 * time.Millisecond)})
		r.idle(time.Minute)
		time.Sleep(time.Second)
		enqueue(l, 50) // finds every slot free
		r.idle(time.Minute)
		polls := l.Polls()[1:] // the first looks whether the server is there
		for i, p := range polls[:singlePolls] {
			if p.Query.Count != 1 {
				t.Fatalf("poll %d after the refusal asks for %d, want 1", i+1, p.Query.Count)
			}
		}
		if !slices.ContainsFunc(polls[singlePolls:], func(p conductortest.Poll) bool { return p.Query.Count > 1 }) {
			t.Error("never asks for more than one again")
		}
		r.drainClean()
	})
}

func TestServerThatDoesNotWaitIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var polls atomic.Int32
		s := &tap{Server: l, onPoll: func(context.Context, conductor.Query, func() ([]api.Task, error)) ([]api.Task, error) {
			polls.Add(1)
			return nil, nil
		}}
		r := start(t, l, Options{Server: s, Pollers: 1})
		time.Sleep(time.Minute)
		if n := polls.Load(); n < 60 || n > 300 {
			t.Errorf("%d polls in a minute, want about two a second", n)
		}
		r.drainClean()
	})
}

// A probe follows a failed poll: with a long poll, an empty queue would hide that
// the server is back.
func TestAProbeFollowsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		polls, failed, probes := 0, false, 0
		s := &tap{Server: l, onPoll: func(_ context.Context, q conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
			if failed {
				probes++
				if q.Timeout != 0 || q.Count != 1 {
					t.Errorf("a poll for %d tasks that waits %s follows a failure", q.Count, q.Timeout)
				}
			}
			polls++
			if failed = polls%5 == 0; failed {
				return nil, fails(conductor.Network, 0)
			}
			return next()
		}}
		r := start(t, l, Options{Server: s, Pollers: 1, Slots: 4})
		for range 60 {
			time.Sleep(time.Second)
			enqueue(l, 5)
		}
		r.idle(time.Minute)
		r.drainClean()
		if probes < 10 {
			t.Errorf("%d probes", probes)
		}
	})
}

// A poll that came back empty too early is followed by a short pause, which grows
// with each one in a row, and is short again after a poll that waited.
func TestPauseAfterOneEmptyPollIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls, pauses := 0, 0
		var ended time.Time
		s := &tap{Server: newLedger(), onPoll: func(ctx context.Context, q conductor.Query, _ func() ([]api.Task, error)) ([]api.Task, error) {
			if gap := time.Since(ended); !ended.IsZero() {
				pauses++
				if gap < minEmptyPause/2 || gap >= minEmptyPause*3/2 {
					t.Errorf("a pause of %s", gap)
				}
			}
			ended = time.Time{}
			if polls++; polls%2 == 0 && q.Timeout > 0 {
				ended = time.Now()
				return nil, nil
			}
			sleep(ctx, q.Timeout)
			return nil, nil
		}}
		r := start(t, newLedger(), Options{Server: s, Pollers: 1})
		time.Sleep(10 * time.Minute)
		r.drainClean()
		if pauses < 50 {
			t.Errorf("%d pauses", pauses)
		}
	})
}

func TestPollErrors(t *testing.T) {
	for _, c := range []struct {
		name        string
		err         error
		low, high   int // polls in ten minutes by two pollers
		finalWaitAt time.Duration
	}{
		{"no network", fails(conductor.Network, 0), 300, 700, 5 * time.Second},
		{"an error of no known kind", errUnclassified, 300, 700, 5 * time.Second},
		{"500", fails(conductor.Server, 500), 300, 700, 5 * time.Second},
		{"401 after a refresh", fails(conductor.Unauthorized, 401), 300, 700, 5 * time.Second},
		{"an html page", fails(conductor.Garbled, 200), 300, 700, 5 * time.Second},
		{"403", fails(conductor.Forbidden, 403), 220, 270, 6 * time.Second},
		{"404", fails(conductor.NotFound, 404), 220, 270, 6 * time.Second},
		{"400", fails(conductor.Rejected, 400), 220, 270, 6 * time.Second},
		{"429 without Retry-After", fails(conductor.Throttled, 429), 300, 700, 5 * time.Second},
		{"429 for 10 s", &conductor.Error{Class: conductor.Throttled, Status: 429, RetryAfter: 10 * time.Second}, 55, 125, 15 * time.Second},
		{"429 for a day", &conductor.Error{Class: conductor.Throttled, Status: 429, RetryAfter: 24 * time.Hour}, 9, 22, 61 * time.Second}, // and the second in which it is seen
		{"503 for 10 s", &conductor.Error{Class: conductor.Server, Status: 503, RetryAfter: 10 * time.Second}, 55, 125, 15 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				l.SetFaults(func(conductortest.Call) conductortest.Fault { return conductortest.Fault{Err: c.err} })
				r := start(t, l, Options{Pollers: 2})
				time.Sleep(10 * time.Minute)
				if n := l.Calls("poll"); n < c.low || n > c.high {
					t.Errorf("%d polls in ten minutes, want %d to %d", n, c.low, c.high)
				}
				if ok, _ := r.worker.Ready(); ok {
					t.Error("ready, though no poll has succeeded")
				}
				if err := r.worker.Live(); err != nil {
					t.Errorf("an outage of the server must not make the worker unhealthy: %v", err)
				}
				if n := r.log.count("a call to the server failed"); n > 21 {
					t.Errorf("%d log lines in ten minutes, want one in 30 s", n)
				}
				l.SetFaults(nil)
				recovered := time.Now()
				for ok := false; !ok; ok, _ = r.worker.Ready() {
					time.Sleep(10 * time.Millisecond)
				}
				if took := time.Since(recovered); took > c.finalWaitAt {
					t.Errorf("the first poll succeeded %s after the server came back, want within %s", took, c.finalWaitAt)
				}
				enqueue(l, 3)
				r.idle(time.Minute)
				r.drainClean()
			})
		})
	}
}

func TestRetryAfterHoldsForEveryPoller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{
			Call: "poll", Skip: 1, Times: 1, Fault: conductortest.Fault{Status: 429, RetryAfter: "40"},
		}))
		r := start(t, l, Options{Pollers: 3, Slots: 8})
		time.Sleep(39 * time.Second)
		if n := l.Calls("poll"); n > 4 {
			t.Errorf("%d polls during the Retry-After, want none but those in flight", n)
		}
		time.Sleep(10 * time.Second)
		if n := l.Calls("poll"); n < 6 {
			t.Errorf("%d polls, want them to go on after 40 s", n)
		}
		r.drainClean()
	})
}

func TestDrainDuringRetryAfterDoesNotPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(func(conductortest.Call) conductortest.Fault {
			return conductortest.Fault{Status: 429, RetryAfter: "50"}
		})
		r := start(t, l, Options{Pollers: 3, Slots: 8})
		time.Sleep(20 * time.Second)
		asked := l.Calls("poll")
		r.drainClean()
		if n := l.Calls("poll"); n != asked {
			t.Errorf("%d polls by a worker that drains", n-asked)
		}
		if took := r.since(); took != 20*time.Second {
			t.Errorf("the drain ended after %s", took)
		}
	})
}

func TestSecondsToRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		for range 20 {
			l := newLedger()
			l.SetFaults(func(conductortest.Call) conductortest.Fault {
				return conductortest.Fault{Err: fails(conductor.Network, 0)}
			})
			r := start(t, l, Options{})
			time.Sleep(time.Minute)
			before := l.Calls("poll")
			time.Sleep(5 * time.Minute)
			if n := l.Calls("poll") - before; n > 2*300 {
				t.Errorf("%d polls in 300 s by 2 pollers, want at most one a second each", n)
			}
			l.SetFaults(nil)
			recovered := time.Now()
			for ok := false; !ok; ok, _ = r.worker.Ready() {
				time.Sleep(10 * time.Millisecond)
			}
			took = append(took, time.Since(recovered))
			r.drainClean()
		}
		slices.Sort(took)
		if median := took[len(took)/2]; median > 2*time.Second {
			t.Errorf("median of 20 trials is %s, want within 2 s (%v)", median, took)
		}
	})
}

func TestPanicOfTheClientIsAFailedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var polls, updates atomic.Int32
		s := &tap{
			Server: l,
			onPoll: func(_ context.Context, _ conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
				if polls.Add(1)%3 == 1 {
					panic("a key")
				}
				return next()
			},
			onUpdate: func(_ context.Context, _ api.Result, next func() error) error {
				if updates.Add(1)%2 == 1 {
					panic("a token")
				}
				return next()
			},
		}
		enqueue(l, 10)
		r := start(t, l, Options{Server: s})
		r.idle(time.Minute)
		r.drainClean()
		if r.log.count("a key")+r.log.count("a token") > 0 {
			t.Error("the value of a panic is in the log")
		}
	})
}

// A single poller does not wait for its phase: no other poll is in flight.
func TestASinglePollerDoesNotWaitForItsPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		r := start(t, l, Options{Slots: 2, Pollers: 1})
		for range 20 {
			time.Sleep(77 * time.Millisecond)
			enqueue(l, 1)
		}
		r.idle(time.Second)
		r.drainClean()
		list, long := l.Polls(), 0
		for i := range len(list) - 1 {
			if list[i+1].Query.Timeout == 0 {
				continue
			}
			long++
			if gap := list[i+1].At.Sub(list[i].Ended); gap != 0 && (list[i].Returned > 0 || list[i].Query.Timeout == 0) {
				t.Errorf("the queue was unattended for %s", gap)
			}
		}
		if long < 15 {
			t.Errorf("%d long polls", long)
		}
	})
}
