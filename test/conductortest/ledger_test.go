package conductortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductortest"
)

var (
	_ interface { // worker.Server, whose package tests against this one
		Poll(ctx context.Context, q conductor.Query) ([]api.Task, error)
		Update(ctx context.Context, r api.Result) error
	} = (*conductortest.Ledger)(nil)
	_ interface { // task.Stored, for the same reason
		StoredTask(ctx context.Context, id string) (api.Task, error)
		StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error)
	} = (*conductortest.Ledger)(nil)
)

const queue = "GET_SIGNED_JWT"

func poll(t *testing.T, l *conductortest.Ledger, count int, timeout time.Duration) []api.Task {
	t.Helper()
	tasks, err := l.Poll(t.Context(), conductor.Query{
		TaskType: queue, WorkerID: "w1", Count: count, Timeout: timeout,
	})
	if err != nil {
		t.Fatalf("poll: %v", err)
	}
	return tasks
}

func one(t *testing.T, l *conductortest.Ledger) api.Task {
	t.Helper()
	tasks := poll(t, l, 1, 0)
	if len(tasks) != 1 {
		t.Fatalf("polled %d tasks, want one", len(tasks))
	}
	return tasks[0]
}

func answer(t *testing.T, l *conductortest.Ledger, task api.Task, status conductortest.Status) {
	t.Helper()
	if err := l.Update(t.Context(), result(task, status)); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func result(task api.Task, status conductortest.Status) api.Result {
	return api.Result{
		TaskID: task.ID, WorkflowID: task.WorkflowID, WorkerID: "w1", Status: status,
		Output: secret.NewJSON(json.RawMessage(`{"token":"t"}`)), Reason: "because",
	}
}

func sound(t *testing.T, l *conductortest.Ledger) {
	t.Helper()
	if err := l.Check(); err != nil {
		t.Errorf("the invariant does not hold: %v", err)
	}
}

func last(t *testing.T, l *conductortest.Ledger, id string) conductortest.Snapshot {
	t.Helper()
	s, ok := l.Last(id)
	if !ok {
		t.Fatalf("no task %s", id)
	}
	return s
}

func TestACompletedTaskEndsItsWorkflow(t *testing.T) {
	l := conductortest.NewLedger(conductortest.Options{})
	id := l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w", Input: json.RawMessage(`{"n":12345678901234567890}`)})
	task := one(t, l)
	if got := string(task.Input.Reveal()); got != `{"n":12345678901234567890}` {
		t.Errorf("input is %s", got)
	}
	answer(t, l, task, conductortest.Completed)
	if got := last(t, l, id); got.Status != conductortest.Completed || string(got.Output) != `{"token":"t"}` {
		t.Errorf("task is %s with output %s", got.Status, got.Output)
	}
	if got := l.Workflow("w"); got != conductortest.Completed {
		t.Errorf("workflow is %s", got)
	}
	sound(t, l)
}

func TestASilentWorkerLosesItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{})
		id := l.Enqueue(conductortest.TaskSpec{Type: queue, Definition: &conductortest.Definition{
			Retries: 1, ResponseTimeout: 2 * time.Second, RetryDelay: time.Second,
		}})
		dead := one(t, l)
		start := time.Now()
		tasks := poll(t, l, 1, 5*time.Second)
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("redelivered after %s, want 3s", waited)
		}
		if len(tasks) != 1 || tasks[0].ID == id || tasks[0].Retry != 1 {
			t.Fatalf("redelivered as %+v, want one new id with retry 1", tasks)
		}
		answer(t, l, dead, conductortest.Completed) // too late, acknowledged, ignored
		answer(t, l, tasks[0], conductortest.Completed)
		updates := l.Updates()
		if updates[0].Effect != conductortest.Ignored || updates[1].Effect != conductortest.Applied {
			t.Errorf("effects are %s and %s", updates[0].Effect, updates[1].Effect)
		}
		sound(t, l)
	})
}

func TestRetriesAreSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{})
		l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w", Definition: &conductortest.Definition{
			Retries: 3, RetryDelay: time.Second, RetryLogic: "EXPONENTIAL_BACKOFF", ResponseTimeout: time.Minute,
		}})
		for retry, want := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second} {
			start := time.Now()
			tasks := poll(t, l, 1, 5*time.Second)
			if len(tasks) != 1 || tasks[0].Retry != retry {
				t.Fatalf("attempt %d: %+v", retry, tasks)
			}
			if waited := time.Since(start); waited != want {
				t.Errorf("attempt %d came after %s, want %s", retry, waited, want)
			}
			answer(t, l, tasks[0], conductortest.Failed)
		}
		if got := l.Workflow("w"); got != conductortest.Failed {
			t.Errorf("workflow is %s", got)
		}
		sound(t, l)
	})
}

func TestATerminalErrorIsNotRetried(t *testing.T) {
	l := conductortest.NewLedger(conductortest.Options{})
	id := l.Enqueue(conductortest.TaskSpec{Type: queue, Definition: &conductortest.Definition{Retries: 3}})
	answer(t, l, one(t, l), conductortest.Terminal)
	if got := last(t, l, id); got.Status != conductortest.Terminal || got.Retry != 0 {
		t.Errorf("task is %s at retry %d", got.Status, got.Retry)
	}
	sound(t, l)
}

func TestAGivenBackTaskComesAgainWithItsId(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{})
		id := l.Enqueue(conductortest.TaskSpec{Type: queue})
		back := result(one(t, l), conductortest.InProgress)
		back.CallbackAfter = time.Second
		if err := l.Update(t.Context(), back); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		tasks := poll(t, l, 1, 5*time.Second)
		if len(tasks) != 1 || tasks[0].ID != id || tasks[0].Retry != 0 || time.Since(start) != time.Second {
			t.Fatalf("came back as %+v after %s", tasks, time.Since(start))
		}
		answer(t, l, tasks[0], conductortest.Completed)
		if got := last(t, l, id); got.Polls != 2 {
			t.Errorf("poll count is %d, want 2", got.Polls)
		}
		sound(t, l)
	})
}

func TestTheModesOfALongPoll(t *testing.T) {
	cases := map[string]struct {
		mode  conductortest.Mode
		count int
		want  time.Duration
		got   int
	}{
		"first message answers at once":             {conductortest.FirstMessage, 10, 130 * time.Millisecond, 1},
		"fill waits for a full batch":               {conductortest.FillOrTimeout, 10, 3 * time.Second, 1},
		"fill for one answers at the next tick":     {conductortest.FillOrTimeout, 1, 200 * time.Millisecond, 1},
		"first message for one answers at once too": {conductortest.FirstMessage, 1, 130 * time.Millisecond, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := conductortest.NewLedger(conductortest.Options{Mode: c.mode})
				time.AfterFunc(130*time.Millisecond, func() { l.Enqueue(conductortest.TaskSpec{Type: queue}) })
				start := time.Now()
				tasks := poll(t, l, c.count, 3*time.Second)
				if took := time.Since(start); took != c.want || len(tasks) != c.got {
					t.Errorf("%d tasks after %s, want %d after %s", len(tasks), took, c.got, c.want)
				}
			})
		})
	}
}

func TestAnAbandonedPollLosesWhatItPops(t *testing.T) {
	for name, mode := range map[string]conductortest.Mode{
		"first message": conductortest.FirstMessage, "fill or timeout": conductortest.FillOrTimeout,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := conductortest.NewLedger(conductortest.Options{Mode: mode})
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				_, err := l.Poll(ctx, conductor.Query{TaskType: queue, WorkerID: "gone", Count: 1, Timeout: 4 * time.Second})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("poll answered %v", err)
				}
				l.Enqueue(conductortest.TaskSpec{Type: queue})
				if tasks := poll(t, l, 1, 5*time.Second); len(tasks) != 0 {
					t.Errorf("the task went to %+v", tasks)
				}
				err = l.Check()
				if err == nil || !strings.Contains(err.Error(), "lost") {
					t.Errorf("the check says %v", err)
				}
			})
		})
	}
}

func TestUpdatesByTheServersRules(t *testing.T) {
	class := func(err error) conductor.Class {
		if e, ok := errors.AsType[*conductor.Error](err); ok {
			return e.Class
		}
		return ""
	}
	cases := map[string]struct {
		change func(r *api.Result)
		class  conductor.Class
		sound  bool
	}{
		"as it should be":                   {func(*api.Result) {}, "", true},
		"an unknown task is not found":      {func(r *api.Result) { r.TaskID = "x" }, conductor.NotFound, false},
		"an unknown workflow is not found":  {func(r *api.Result) { r.WorkflowID = "x" }, conductor.NotFound, false},
		"no task id is refused":             {func(r *api.Result) { r.TaskID = "" }, conductor.Rejected, false},
		"no status is the server's failure": {func(r *api.Result) { r.Status = "" }, conductor.Server, false},
		"an output that is no object is the server's failure": {
			func(r *api.Result) { r.Output = secret.NewJSON(json.RawMessage(`"x"`)) }, conductor.Server, false,
		},
		"another running workflow's id completes the task alone": {
			func(r *api.Result) { r.WorkflowID = "other" }, "", false,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := conductortest.NewLedger(conductortest.Options{})
			l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "own"})
			task := one(t, l)
			l.Enqueue(conductortest.TaskSpec{Type: "T2", WorkflowID: "other"})
			r := result(task, conductortest.Completed)
			c.change(&r)
			if got := class(l.Update(t.Context(), r)); got != c.class {
				t.Errorf("class is %q, want %q", got, c.class)
			}
			if err := l.Check(); (err == nil) != c.sound {
				t.Errorf("the check says %v", err)
			}
		})
	}
}

func TestTheCheckTurnsRed(t *testing.T) {
	setup := func(t *testing.T, timeout time.Duration) (*conductortest.Ledger, api.Task) {
		t.Helper()
		l := conductortest.NewLedger(conductortest.Options{})
		l.Enqueue(conductortest.TaskSpec{Type: queue, Definition: &conductortest.Definition{ResponseTimeout: timeout}})
		return l, one(t, l)
	}
	t.Run("for a delivery without an answer", func(t *testing.T) {
		l, _ := setup(t, 0)
		red(t, l, "lost")
	})
	t.Run("for a delivery in hand", func(t *testing.T) {
		l, _ := setup(t, time.Minute)
		red(t, l, "not given back")
	})
	t.Run("for two answers that differ", func(t *testing.T) {
		l, task := setup(t, 0)
		answer(t, l, task, conductortest.Completed)
		answer(t, l, task, conductortest.Completed)
		sound(t, l)
		answer(t, l, task, conductortest.Failed)
		red(t, l, "differ")
	})
	t.Run("for an answer after giving back", func(t *testing.T) {
		l, task := setup(t, 0)
		answer(t, l, task, conductortest.InProgress)
		sound(t, l)
		answer(t, l, task, conductortest.Completed)
		red(t, l, "after it was given back")
	})
	t.Run("for an answer to what was not delivered", func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{})
		id := l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w"})
		answer(t, l, api.Task{ID: id, WorkflowID: "w"}, conductortest.Completed)
		red(t, l, "never delivered")
	})
	t.Run("for a time-out that spent the last retry", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, _ := setup(t, time.Second)
			time.Sleep(2 * time.Second)
			red(t, l, "no retry left")
		})
	})
}

func red(t *testing.T, l *conductortest.Ledger, want string) {
	t.Helper()
	if err := l.Check(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the check says %v, want it to say %q", err, want)
	}
}

func TestATerminatedWorkflowIgnoresUpdates(t *testing.T) {
	l := conductortest.NewLedger(conductortest.Options{})
	id := l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w"})
	task := one(t, l)
	l.Terminate("w")
	answer(t, l, task, conductortest.Completed)
	if got := last(t, l, id); got.Status != conductortest.Canceled || got.Output != nil {
		t.Errorf("task is %s with output %s", got.Status, got.Output)
	}
	sound(t, l)
}

func TestExpressionsAreResolvedAsTheServerDoes(t *testing.T) {
	cases := map[string]struct{ template, input, stored, polled string }{
		"a secret is resolved at the poll":      {`{"k":"${workflow.secrets.s}"}`, `{}`, `{"k":"${workflow.secrets.s}"}`, `{"k":"S\n1"}`},
		"a missing secret is null":              {`{"k":"${workflow.secrets.no}"}`, `{}`, `{"k":"${workflow.secrets.no}"}`, `{"k":null}`},
		"a missing secret in a text is empty":   {`{"k":"a ${workflow.secrets.no} b"}`, `{}`, `{"k":"a ${workflow.secrets.no} b"}`, `{"k":"a  b"}`},
		"an empty secret is empty":              {`{"k":"${workflow.secrets.blank}"}`, `{}`, `{"k":"${workflow.secrets.blank}"}`, `{"k":""}`},
		"a secret is resolved at any depth":     {`{"k":[{"a":"x${workflow.secrets.s}"}]}`, `{}`, `{"k":[{"a":"x${workflow.secrets.s}"}]}`, `{"k":[{"a":"xS\n1"}]}`},
		"a path leads into a secret":            {`{"k":"${workflow.secrets.j.a}"}`, `{}`, `{"k":"${workflow.secrets.j.a}"}`, `{"k":"deep"}`},
		"a path into a text leads nowhere":      {`{"k":"${workflow.secrets.s.a}"}`, `{}`, `{"k":"${workflow.secrets.s.a}"}`, `{"k":null}`},
		"a missing input is null":               {`{"k":"${workflow.input.x}"}`, `{}`, `{"k":null}`, `{"k":null}`},
		"a missing input in a text is null too": {`{"k":"p${workflow.input.x}q"}`, `{}`, `{"k":"pnullq"}`, `{"k":"pnullq"}`},
		"an input keeps its type":               {`{"k":["a","${workflow.input.x}"]}`, `{"x":["q",12345678901234567890]}`, `{"k":["a",["q",12345678901234567890]]}`, `{"k":["a",["q",12345678901234567890]]}`},
		"a misspelt scope is null":              {`{"k":"${workflow.secret.s}"}`, `{}`, `{"k":null}`, `{"k":null}`},
		"a caller injects a secret":             {`{"k":"${workflow.input.x}"}`, `{"x":"${workflow.secrets.s}"}`, `{"k":"${workflow.secrets.s}"}`, `{"k":"S\n1"}`},
		"order, digits and names stay":          {`{"b":1.50,"a":"${workflow.secrets.s}","${workflow.secrets.s}":2}`, `{}`, `{"b":1.50,"a":"${workflow.secrets.s}","${workflow.secrets.s}":2}`, `{"b":1.50,"a":"S\n1","${workflow.secrets.s}":2}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := conductortest.NewLedger(conductortest.Options{Secrets: map[string]string{
				"s": "S\n1", "blank": "", "j": `{"a":"deep"}`,
			}})
			id := l.Enqueue(conductortest.TaskSpec{
				Type: queue, Template: json.RawMessage(c.template), WorkflowInput: json.RawMessage(c.input),
			})
			if got := last(t, l, id); string(got.Input) != c.stored {
				t.Errorf("stored %s, want %s", got.Input, c.stored)
			}
			task := one(t, l)
			if got := string(task.Input.Reveal()); got != c.polled {
				t.Errorf("polled %s, want %s", got, c.polled)
			}
			if string(task.Template) != c.template {
				t.Errorf("template %s, want %s", task.Template, c.template)
			}
			stored, err := l.StoredTask(t.Context(), id)
			if got := string(stored.Input.Reveal()); err != nil || got != c.stored {
				t.Errorf("stored task has %s, %v", got, err)
			}
		})
	}
}

func TestADefinitionFillsInAndDelivers(t *testing.T) {
	l := conductortest.NewLedger(conductortest.Options{Secrets: map[string]string{"s": "S"}})
	err := l.PutTaskDef(json.RawMessage(`{"name":"n","retryCount":5,"responseTimeoutSeconds":33,
		"inputTemplate":{"privateKey":"${workflow.secrets.s}","ttl":9},"runtimeMetadata":["s","no"]}`))
	if err != nil {
		t.Fatal(err)
	}
	l.Enqueue(conductortest.TaskSpec{Type: queue, Name: "n", Input: json.RawMessage(`{"privateKey":null,"ttl":1}`)})
	task := one(t, l)
	if got := string(task.Input.Reveal()); got != `{"privateKey":"S","ttl":1}` {
		t.Errorf("input is %s", got)
	}
	if task.ResponseTimeout != 33*time.Second || len(task.RuntimeMetadata) != 1 || task.RuntimeMetadata["s"].Reveal() != "S" {
		t.Errorf("task is %+v", task)
	}
}

func TestFaultsOfTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{Faults: conductortest.Plan(1,
			conductortest.Rule{Call: "update", Times: 1, Fault: conductortest.Fault{Lost: true}},
			conductortest.Rule{Call: "update", Times: 1, Fault: conductortest.Fault{Status: 429, RetryAfter: "7"}},
			conductortest.Rule{Call: "poll", Times: 1, Fault: conductortest.Fault{Delay: time.Second, Extra: 1}},
		)})
		l.Enqueue(conductortest.TaskSpec{Type: queue})
		l.Enqueue(conductortest.TaskSpec{Type: queue})
		start := time.Now()
		tasks := poll(t, l, 1, 0)
		if len(tasks) != 2 || time.Since(start) != time.Second {
			t.Fatalf("%d tasks after %s", len(tasks), time.Since(start))
		}
		err := l.Update(t.Context(), result(tasks[0], conductortest.Completed))
		if !errors.Is(err, conductortest.ErrInjected) {
			t.Errorf("the lost answer is %v", err)
		}
		var e *conductor.Error
		err = l.Update(t.Context(), result(tasks[1], conductortest.Completed))
		if !errors.As(err, &e) || e.Class != conductor.Throttled || e.RetryAfter != 7*time.Second {
			t.Errorf("the throttled answer is %v", err)
		}
		for _, task := range tasks {
			answer(t, l, task, conductortest.Completed)
		}
		sound(t, l)
		if err := l.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
