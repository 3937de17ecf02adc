package conductortest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

func retireTask(id string) TaskSpec {
	return TaskSpec{ID: id, Type: "T", Definition: &Definition{Retries: 5, ResponseTimeout: 10 * time.Second}}
}

// Retire removes and returns the records of ended tasks and keeps those of open
// ones.
func TestEndedTasksAreRetired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLedger(Options{})
		for _, id := range []string{"done", "again", "open"} {
			l.Enqueue(retireTask(id))
		}
		tasks := pollN(t, l, 3)
		complete(t, l, tasks[0], "a")
		<-time.After(11 * time.Second) // the other two time out
		again := pollN(t, l, 2)
		for _, task := range again {
			if strings.HasPrefix(task.ID, "again") {
				complete(t, l, task, "b")
			}
		}
		<-time.After(time.Second)
		out, err := l.Retire(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Tasks) != 2 || len(out.Deliveries) != 3 || len(out.Updates) != 2 {
			t.Errorf("%d tasks, %d deliveries and %d updates; want 2, 3 and 2", len(out.Tasks), len(out.Deliveries), len(out.Updates))
		}
		if n := len(l.Deliveries()); n != 2 {
			t.Errorf("%d deliveries remain, want the 2 of the open task", n)
		}
		if _, known := l.Task("again-retry-1"); known {
			t.Error("Task returned an attempt of a retired task")
		}
		for _, task := range again {
			if strings.HasPrefix(task.ID, "open") {
				complete(t, l, task, "c")
			}
		}
		<-time.After(time.Second)
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		l.Enqueue(retireTask("later")) // in another workflow
		if out, err = l.Retire(time.Now()); err != nil || len(out.Tasks) != 1 || len(l.Tasks()) != 1 {
			t.Errorf("%v, %d retired, %d remaining; want no error, 1 and 1", err, len(out.Tasks), len(l.Tasks()))
		}
	})
}

func TestRetireReportsViolations(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		twice bool
		want  string
	}{
		"two updates":                           {want: "two terminal updates that differ"},
		"two updates of a task delivered twice": {twice: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := NewLedger(Options{Faults: func(Call) Fault { return Fault{Twice: c.twice} }})
				l.Enqueue(retireTask("one"))
				tasks := pollN(t, l, 1)
				if want := 1 + map[bool]int{true: 1}[c.twice]; len(tasks) != want {
					t.Fatalf("%d tasks, want %d", len(tasks), want)
				}
				complete(t, l, tasks[0], "a")
				complete(t, l, tasks[0], "b")
				<-time.After(time.Second)
				_, err := l.Retire(time.Now())
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
			})
		})
	}
}

func pollN(t *testing.T, l *Ledger, n int) []api.Task {
	t.Helper()
	tasks, err := l.Poll(t.Context(), conductor.Query{TaskType: "T", WorkerID: "w", Count: n})
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

func complete(t *testing.T, l *Ledger, task api.Task, output string) {
	t.Helper()
	if err := l.Update(t.Context(), api.Result{
		TaskID: task.ID, WorkflowID: task.WorkflowID, WorkerID: "w", Status: api.Completed,
		Output: secretJSON([]byte(`{"token":"` + output + `"}`)),
	}); err != nil {
		t.Fatal(err)
	}
}
