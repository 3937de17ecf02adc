package worker

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

const canary = "-----BEGIN PRIVATE KEY-----MIIcanary"

// only is the one update that the ledger has of a task.
func (r *rig) only(id string) api.Result {
	r.t.Helper()
	var found []api.Result
	for _, u := range r.ledger.Updates() {
		if u.Result.TaskID == id {
			found = append(found, u.Result)
		}
	}
	if len(found) != 1 {
		r.t.Fatalf("%d updates of %s, want 1", len(found), id)
	}
	return found[0]
}

// codeOf is outputData.error.code.
func codeOf(t *testing.T, r api.Result) string {
	t.Helper()
	var out struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(r.Output.Reveal(), &out); err != nil || out.Error.Message == "" {
		t.Fatalf("output of a failure cannot be branched on: %v", err)
	}
	return out.Error.Code
}

func TestPanicBecomesAFailureOfFixedText(t *testing.T) {
	for name, value := range map[string]any{
		"text": canary, "error": errors.New(canary), "nil pointer": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				id := l.Enqueue(conductortest.TaskSpec{Type: jwtType})
				other := l.Enqueue(conductortest.TaskSpec{Type: jwtType})
				r := start(t, l, Options{Slots: 1, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
					if d.ID != id {
						return sign(ctx, d)
					}
					if value == nil {
						var p *api.Task
						return task.Outcome{Reason: p.ID}
					}
					panic(value)
				})})
				r.idle(time.Minute)
				r.drainClean()
				got := r.only(id)
				if got.Status != api.Failed || codeOf(t, got) != "internal" || !strings.HasPrefix(got.Reason, "internal: ") {
					t.Errorf("a panic is reported as %s with reason %q", got.Status, got.Reason)
				}
				if all := r.log.String() + got.Reason + string(got.Output.Reveal()); strings.Contains(all, "canary") {
					t.Error("the value of the panic is in the log or the result")
				}
				if !strings.Contains(r.log.String(), "execute_test.go") {
					t.Error("the log does not say where the panic was")
				}
				if r.status(other) != api.Completed {
					t.Error("the next task did not run")
				}
			})
		})
	}
}

func TestDeadlineOfExecution(t *testing.T) {
	for _, c := range []struct {
		name  string
		lease time.Duration
		want  time.Duration
	}{
		{"is the lease", 10 * time.Second, 10 * time.Second},
		{"is 30 s at most", 300 * time.Second, 30 * time.Second},
		{"is 30 s where the server never takes a task back", 0, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				let := make(chan struct{})
				id := l.Enqueue(conductortest.TaskSpec{Type: jwtType, Definition: &conductortest.Definition{ResponseTimeout: c.lease}})
				var deadline atomic.Int64
				r := start(t, l, Options{Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
					if at, ok := ctx.Deadline(); ok {
						deadline.Store(int64(time.Until(at)))
					}
					<-let // ignores its context
					return sign(ctx, d)
				})})
				time.Sleep(c.want + time.Second)
				got := r.only(id)
				if got.Status != api.Failed || codeOf(t, got) != "timeout" {
					t.Errorf("reported as %s, %q", got.Status, got.Reason)
				}
				if at := l.Updates()[0].At.Sub(r.began); at != c.want {
					t.Errorf("reported after %s, want %s", at, c.want)
				}
				if time.Duration(deadline.Load()) != c.want {
					t.Errorf("the deadline of the handler is %s", time.Duration(deadline.Load()))
				}
				close(let)
				synctest.Wait()
				r.only(id) // the late result is dropped
				r.stop()
				if err := <-r.result; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAbandonedHandlersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		enqueue(l, 50)
		let := make(chan struct{})
		var running atomic.Int32
		const slots = 3
		r := start(t, l, Options{Slots: slots, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			running.Add(1)
			defer running.Add(-1)
			<-let
			return sign(ctx, d)
		})})
		time.Sleep(20 * time.Minute)
		if n := running.Load(); n > 2*slots {
			t.Errorf("%d handlers run on %d slots, want twice as many at most", n, slots)
		}
		close(let)
		time.Sleep(time.Minute)
		if n := running.Load(); n != 0 {
			t.Errorf("%d handlers still run", n)
		}
		enqueue(l, 5)
		time.Sleep(time.Second)
		if n := l.Counts()[api.Completed]; n < 5 {
			t.Errorf("%d tasks completed once the handlers had returned, want the slots to be free again", n)
		}
		r.stop()
		if err := <-r.result; err != nil {
			t.Error(err)
		}
	})
}

func TestMalformedTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.SetFaults(conductortest.Plan(1, conductortest.Rule{
			Call: "poll", Skip: 1, Times: 1, Fault: conductortest.Fault{Unreadable: conductortest.UnreadableField},
		}))
		ids := enqueue(l, 50)

		m := NewMetrics([]string{jwtType})
		r := start(t, l, Options{Slots: 64, Metrics: m, Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			return sign(ctx, d)
		})})

		r.idle(time.Minute)
		r.drainClean()
		counts := l.Counts()
		if counts[api.Completed] != 49 || counts[api.FailedWithTerminalError] != 1 {
			t.Errorf("tasks ended %v, want 49 completed and 1 failed for good", counts)
		}
		got, _ := exposition(t, m)
		if n := got[`conductor_jwt_tasks_without_response_timeout_total{taskType="GET_SIGNED_JWT"}`]; n != 0 {
			t.Errorf("%v tasks count as without a response timeout, which could not be read", n)
		}
		for _, id := range ids {
			if r.status(id) == api.FailedWithTerminalError {
				if got := r.only(id); codeOf(t, got) != "input_invalid" {
					t.Errorf("reason %q", got.Reason)
				}
			}
		}
	})
}

func TestTaskWithoutAnIDIsDroppedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		enqueue(l, 3)
		first := true
		s := &tap{Server: l, onPoll: func(_ context.Context, _ conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
			tasks, err := next()
			if first {
				tasks, first = append([]api.Task{{Type: jwtType}}, tasks...), false
			}
			return tasks, err
		}}
		m := NewMetrics([]string{jwtType})
		r := start(t, l, Options{Server: s, Pollers: 1, Metrics: m})
		r.idle(time.Minute)
		r.drainClean()
		if n := l.Counts()[api.Completed]; n != 3 {
			t.Errorf("%d of 3 completed", n)
		}
		if got, _ := exposition(t, m); got["conductor_jwt_tasks_unreadable_total{}"] != 1 {
			t.Error("the task without an id is not counted")
		}
	})
}

func TestHandlerIsHeldToItsContract(t *testing.T) {
	long := strings.Repeat("é", 700)
	for _, c := range []struct {
		name   string
		out    task.Outcome
		status api.Status
		reason string
	}{
		{"no status is a bug", task.Outcome{}, api.Failed, "internal: the worker failed in an unexpected way; see its log, and report it"},
		{"an unknown status is a bug", task.Outcome{Status: "DONE"}, api.Failed, "internal: the worker failed in an unexpected way; see its log, and report it"},
		{"a failure has a reason", task.Outcome{Status: api.Failed}, api.Failed, "internal: no reason was given; see the worker's log, and report it"},
		{"a reason has 500 characters at most", task.Outcome{Status: api.FailedWithTerminalError, Reason: long}, api.FailedWithTerminalError, strings.Repeat("é", 499) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				id := l.Enqueue(conductortest.TaskSpec{Type: jwtType})
				r := start(t, l, Options{Handler: handlerFunc(func(context.Context, api.Task) task.Outcome { return c.out })})
				r.idle(time.Minute)
				r.drainClean()
				if got := r.only(id); got.Status != c.status || got.Reason != c.reason {
					t.Errorf("reported as %s, %q", got.Status, got.Reason)
				}
			})
		})
	}
}

func TestDeliveryCarriesTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{Secrets: map[string]string{"k": "v"}})
		var got api.Task
		id := l.Enqueue(conductortest.TaskSpec{
			Type: jwtType, Name: "n", WorkflowID: "wf", WorkflowType: "wt",
			Template: json.RawMessage(`{"privateKey":"${workflow.secrets.k}"}`), External: true,
			Definition: &conductortest.Definition{InputTemplate: json.RawMessage(`{"a":1}`), RuntimeMetadata: []string{"k"}},
		})
		r := start(t, l, Options{Handler: handlerFunc(func(ctx context.Context, d api.Task) task.Outcome {
			got = d
			return sign(ctx, d)
		})})
		r.idle(time.Minute)
		r.drainClean()
		if got.ID != id || got.Type != jwtType || got.Name != "n" || got.WorkflowID != "wf" || got.WorkflowType != "wt" ||
			!got.External || got.RuntimeMetadata["k"].Reveal() != "v" || got.Scheduled.IsZero() {
			t.Errorf("ids and facts: %+v", got)
		}
		if string(got.Input.Reveal()) == "" || string(got.Template) != `{"privateKey":"${workflow.secrets.k}"}` || string(got.Defaults) != `{"a":1}` {
			t.Errorf("input %d bytes, template %s, defaults %s", got.Input.Len(), got.Template, got.Defaults)
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
