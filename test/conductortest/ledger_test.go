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
	_ interface { // worker.Server, whose tests import this package
		Poll(ctx context.Context, q conductor.Query) ([]api.Task, error)
		Update(ctx context.Context, r api.Result) error
	} = (*conductortest.Ledger)(nil)
	_ interface { // task.Stored, likewise
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

func update(t *testing.T, l *conductortest.Ledger, task api.Task, status api.Status) {
	t.Helper()
	if err := l.Update(t.Context(), result(task, status)); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func result(task api.Task, status api.Status) api.Result {
	return api.Result{
		TaskID: task.ID, WorkflowID: task.WorkflowID, WorkerID: "w1", Status: status,
		Output: secret.NewJSON(json.RawMessage(`{"token":"t"}`)), Reason: "because",
	}
}

func wantNoViolation(t *testing.T, l *conductortest.Ledger) {
	t.Helper()
	if err := l.Check(); err != nil {
		t.Errorf("Check = %v, want nil", err)
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

func TestTaskIsRedeliveredAfterTheResponseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{})
		id := l.Enqueue(conductortest.TaskSpec{Type: queue, Definition: &conductortest.Definition{
			Retries: 1, ResponseTimeout: 2 * time.Second, RetryDelay: time.Second,
		}})
		timedOut := one(t, l)
		start := time.Now()
		tasks := poll(t, l, 1, 5*time.Second)
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("redelivered after %s, want 3s", waited)
		}
		if len(tasks) != 1 || tasks[0].ID == id || tasks[0].Retry != 1 {
			t.Fatalf("redelivered as %+v, want one new id with retry 1", tasks)
		}
		update(t, l, timedOut, api.Completed) // too late: acknowledged and ignored
		update(t, l, tasks[0], api.Completed)
		updates := l.Updates()
		if updates[0].Effect != conductortest.Ignored || updates[1].Effect != conductortest.Applied {
			t.Errorf("effects %s and %s, want ignored and applied", updates[0].Effect, updates[1].Effect)
		}
		wantNoViolation(t, l)
	})
}

func TestAbandonedPollLosesItsTasks(t *testing.T) {
	for name, mode := range map[string]conductortest.Mode{
		"first message": conductortest.FirstMessage, "fill or timeout": conductortest.FillOrTimeout,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := conductortest.NewLedger(conductortest.Options{Mode: mode})
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				_, err := l.Poll(ctx, conductor.Query{TaskType: queue, WorkerID: "disconnected", Count: 1, Timeout: 4 * time.Second})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("poll returned %v, want a deadline error", err)
				}
				l.Enqueue(conductortest.TaskSpec{Type: queue})
				if tasks := poll(t, l, 1, 5*time.Second); len(tasks) != 0 {
					t.Errorf("another poll got %+v, want no task", tasks)
				}
				err = l.Check()
				if err == nil || !strings.Contains(err.Error(), "lost") {
					t.Errorf("Check = %v, want an error about a lost task", err)
				}
			})
		})
	}
}

func TestUpdatesFollowTheServersRules(t *testing.T) {
	class := func(err error) conductor.Class {
		if e, ok := errors.AsType[*conductor.Error](err); ok {
			return e.Class
		}
		return ""
	}
	cases := map[string]struct {
		change func(r *api.Result)
		class  conductor.Class
		valid  bool
	}{
		"a valid update":                    {func(*api.Result) {}, "", true},
		"an unknown task is not found":      {func(r *api.Result) { r.TaskID = "x" }, conductor.NotFound, false},
		"an unknown workflow is not found":  {func(r *api.Result) { r.WorkflowID = "x" }, conductor.NotFound, false},
		"no task id is refused":             {func(r *api.Result) { r.TaskID = "" }, conductor.Rejected, false},
		"no status is the server's failure": {func(r *api.Result) { r.Status = "" }, conductor.Server, false},
		"an output that is not an object is the server's failure": {
			func(r *api.Result) { r.Output = secret.NewJSON(json.RawMessage(`"x"`)) }, conductor.Server, false,
		},
		"another running workflow's id completes only the task": {
			func(r *api.Result) { r.WorkflowID = "other" }, "", false,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := conductortest.NewLedger(conductortest.Options{})
			l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "own"})
			task := one(t, l)
			l.Enqueue(conductortest.TaskSpec{Type: "T2", WorkflowID: "other"})
			r := result(task, api.Completed)
			c.change(&r)
			if got := class(l.Update(t.Context(), r)); got != c.class {
				t.Errorf("class is %q, want %q", got, c.class)
			}
			if err := l.Check(); (err == nil) != c.valid {
				t.Errorf("Check = %v, want success: %t", err, c.valid)
			}
		})
	}
}

func TestCheckReportsEachViolation(t *testing.T) {
	setup := func(t *testing.T, timeout time.Duration) (*conductortest.Ledger, api.Task) {
		t.Helper()
		l := conductortest.NewLedger(conductortest.Options{})
		l.Enqueue(conductortest.TaskSpec{Type: queue, Definition: &conductortest.Definition{ResponseTimeout: timeout}})
		return l, one(t, l)
	}
	t.Run("a delivery without an update", func(t *testing.T) {
		l, _ := setup(t, 0)
		wantViolation(t, l, "lost")
	})
	t.Run("a delivery in flight", func(t *testing.T) {
		l, _ := setup(t, time.Minute)
		wantViolation(t, l, "not given back")
	})
	t.Run("two updates that differ", func(t *testing.T) {
		l, task := setup(t, 0)
		update(t, l, task, api.Completed)
		update(t, l, task, api.Completed)
		wantNoViolation(t, l)
		update(t, l, task, api.Failed)
		wantViolation(t, l, "differ")
	})
	t.Run("an update after giving back", func(t *testing.T) {
		l, task := setup(t, 0)
		update(t, l, task, api.InProgress)
		wantNoViolation(t, l)
		update(t, l, task, api.Completed)
		wantViolation(t, l, "after it was given back")
	})
	t.Run("an update of a task that was not delivered", func(t *testing.T) {
		l := conductortest.NewLedger(conductortest.Options{})
		id := l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w"})
		update(t, l, api.Task{ID: id, WorkflowID: "w"}, api.Completed)
		wantViolation(t, l, "never delivered")
	})
	t.Run("a timeout after the last retry", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, _ := setup(t, time.Second)
			time.Sleep(2 * time.Second)
			wantViolation(t, l, "no retry left")
		})
	})
}

func wantViolation(t *testing.T, l *conductortest.Ledger, want string) {
	t.Helper()
	if err := l.Check(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Check returned %v, want %q", err, want)
	}
}
