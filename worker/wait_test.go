package worker

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
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

func TestEachPollIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newLedger(), NewMetrics([]string{jwtType})
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "poll", Times: 2, Fault: conductortest.Fault{Status: 503}}))
		enqueue(l, 20)
		r := start(t, l, Options{Slots: 4, Pollers: 1, Metrics: m})
		r.idle(time.Minute)
		r.drainClean()
		got, _ := exposition(t, m)
		polls := got[`task_poll_total{taskType="GET_SIGNED_JWT"}`]
		failed := got[`task_poll_error_total{exception="server",taskType="GET_SIGNED_JWT"}`]
		tasks := got[`task_execution_started_total{taskType="GET_SIGNED_JWT"}`]
		if tasks != 20 || failed != 2 || polls-failed != float64(len(l.Polls())) {
			t.Errorf("%v tasks and %v failures in %v polls of %d", tasks, failed, polls, len(l.Polls()))
		}
		for _, p := range l.Polls() {
			if p.Query.Count < 1 || p.Query.Count > 4 || p.Returned > p.Query.Count {
				t.Errorf("%+v", p)
			}
		}
	})
}

// A single poller never waits for a phase: no other poller would.
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
			if list[i].Returned > 0 || list[i+1].Query.Timeout == 0 {
				continue
			}
			long++
			if gap := list[i+1].At.Sub(list[i].Ended); gap != 0 && list[i].Query.Timeout == 0 {
				t.Errorf("the queue was unattended for %s", gap)
			}
		}
		if long < 15 {
			t.Errorf("%d long polls", long)
		}
	})
}

// A handler that does not return costs its slot only once there are more such
// handlers than slots.
func TestHandlersThatNeverReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		var begun atomic.Int32
		let := make(chan struct{})
		r := start(t, l, Options{Slots: 1, Pollers: 1, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			if begun.Add(1) <= 2 {
				<-let // ignores its context
			}
			return sign(ctx, d)
		})})
		for range 3 {
			l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{ResponseTimeout: time.Minute}})
		}
		time.Sleep(35 * time.Second)
		if n := begun.Load(); n != 2 {
			t.Errorf("%d handlers had begun after the first deadline, want 2: one handler that ignores its deadline takes no slot", n)
		}
		time.Sleep(45 * time.Second)
		if n := begun.Load(); n != 2 {
			t.Errorf("%d handlers had begun with two abandoned ones on one slot, want 2", n)
		}
		close(let)
		r.idle(time.Minute)
		if n := begun.Load(); n != 3 {
			t.Errorf("%d handlers had begun once the abandoned ones returned", n)
		}
		r.drainClean()
		if n := r.log.count("drained"); n != 1 {
			t.Errorf("the log tells %d times that the worker has drained", n)
		}
	})
}

// Alerts look at these series before anything has happened.
func TestSeriesThatAreThereFromTheStart(t *testing.T) {
	got, _ := exposition(t, NewMetrics([]string{jwtType}))
	for _, name := range []string{
		`active_workers{taskType="GET_SIGNED_JWT"}`, `task_poll_total{taskType="GET_SIGNED_JWT"}`,
		`task_execution_started_total{taskType="GET_SIGNED_JWT"}`, `task_execution_queue_full_total{taskType="GET_SIGNED_JWT"}`,
		`task_paused_total{taskType="GET_SIGNED_JWT"}`, `conductor_jwt_tasks_without_response_timeout_total{taskType="GET_SIGNED_JWT"}`,
		`task_poll_error_total{exception="network",taskType="GET_SIGNED_JWT"}`, `task_update_error_total{exception="rejected",taskType="GET_SIGNED_JWT"}`,
		`conductor_jwt_failures_total{code="key_weak"}`, `thread_uncaught_exceptions_total{exception="panic"}`,
		`conductor_jwt_deliveries_ended_total{end="given_back"}`, `conductor_jwt_updates_lost_total{end="lease_spent"}`,
	} {
		if value, ok := got[name]; !ok || value != 0 {
			t.Errorf("%s is %v (there: %t)", name, value, ok)
		}
	}
	if _, ok := got[`conductor_jwt_updates_lost_total{end="acknowledged"}`]; ok {
		t.Error("an acknowledged update counts among the lost ones")
	}
}

func TestEachCallHasItsRoute(t *testing.T) {
	m := NewMetrics([]string{jwtType})
	routes := map[conductor.Call]string{
		"poll": `method="GET",status="200",uri="/tasks/poll/batch/{taskType}"`, "update": `method="POST",status="200",uri="/tasks"`,
		"get task": `method="GET",status="200",uri="/tasks/{taskId}"`, "get taskdef": `method="GET",status="200",uri="/metadata/taskdefs/{name}"`,
		"create taskdef": `method="POST",status="200",uri="/metadata/taskdefs"`, "token": `method="POST",status="200",uri="/token"`,
		"version": `method="GET",status="200",uri="/version"`, "get workflow": `method="GET",status="200",uri="/workflow/{workflowId}"`,
		"get workflowdefs": `method="GET",status="200",uri="/metadata/workflow"`, "secret exists": `method="GET",status="200",uri="/secrets/{name}/exists"`,
		"secret names": `method="GET",status="200",uri="/secrets"`, "queue size": `method="GET",status="200",uri="/tasks/queue/size"`,
		"poll data": `method="GET",status="200",uri="/tasks/queue/polldata"`, "anything": `method="GET",status="200",uri="other"`,
	}
	for call := range routes {
		m.Request(call, 200, time.Millisecond)
	}
	got, _ := exposition(t, m)
	for call, labels := range routes {
		if n := got["http_api_client_request_seconds{"+labels+"}"]; n != 1 {
			t.Errorf("%s: %v requests", call, n)
		}
	}
}
