package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
)

// Level says how bad a finding is.
type Level string

// The levels. Only [Fail] keeps tasks from being run.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is the outcome of one check, for one thing that it looked at.
type Finding struct {
	Check  string `json:"check"` // "server", "taskdef", "secret", …
	Level  Level  `json:"level"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"` // of what is not ok: one thing to do
}

// Server is what is asked of Conductor; [conductor.Client] is one.
type Server interface {
	BaseURL() string
	Version(ctx context.Context) (string, error)
	Skew() (time.Duration, bool)
	WorkflowTasks(ctx context.Context, limit int64, types ...string) ([]conductor.WorkflowTask, error)
	TaskDef(ctx context.Context, name string) (def conductor.TaskDef, exists bool, err error)
	SecretExists(ctx context.Context, name string) (bool, error)
	SecretNames(ctx context.Context) (names []string, ok bool, err error)
	QueueSize(ctx context.Context, taskType, domain string) (int, error)
	PollData(ctx context.Context, taskType string) ([]model.PollData, error)
}

// Options say what is looked at.
type Options struct {
	Server    Server
	Anonymous Server // the same server without credentials; nil where there are none
	TaskTypes []string
	Domain    string
	Delivered map[string]string // keys that come with the task: name to secret
	Registers bool              // the worker registers task definitions that are missing
	Now       func() time.Time
}

// Run does all checks, in the order in which they depend on one another: where
// the server cannot be asked, nothing else is.
func Run(ctx context.Context, o Options) []Finding {
	found := server(ctx, o)
	if worst(found) == Fail {
		return found
	}
	tasks, elsewhere, listed := workflows(ctx, o)
	found = append(found, clock(o), exposed(ctx, o))
	found = append(found, listed...)
	found = append(found, unpolled(ctx, o, elsewhere)...)
	defs := definitions(ctx, o, tasks)
	found = append(found, taskDefs(o, defs)...)
	found = append(found, keysIn(tasks)...)
	found = append(found, delivered(o, tasks, defs)...)
	found = append(found, secrets(ctx, o, tasks)...)
	return append(found, queues(ctx, o)...)
}

func worst(found []Finding) Level {
	level := OK
	for _, f := range found {
		if f.Level == Fail || f.Level == Warn && level == OK {
			level = f.Level
		}
	}
	return level
}

func ok(check, found string) Finding { return Finding{Check: check, Level: OK, Found: found} }

func warn(check, found, remedy string) Finding {
	return Finding{Check: check, Level: Warn, Found: found, Remedy: remedy}
}

func fail(check, found, remedy string) Finding {
	return Finding{Check: check, Level: Fail, Found: found, Remedy: remedy}
}

// unknown is a check that could not be done: it says nothing of the tasks.
// Rights are what it needs of the server.
func unknown(check string, err error, rights string) Finding {
	e, is := errors.AsType[*conductor.Error](err)
	remedy := "give these credentials the right to " + rights + ", then run this again"
	if is && !refused(e) {
		remedy = e.Hint()
	}
	return warn(check, "could not be checked: "+reason(err), remedy)
}

// reason is why a call failed.
func reason(err error) string {
	if e, is := errors.AsType[*conductor.Error](err); is {
		return e.Reason()
	}
	return "the call failed"
}
