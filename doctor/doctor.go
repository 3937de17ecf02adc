// Package doctor looks at a Conductor server and says what will keep
// GET_SIGNED_JWT tasks from being run, with one remedy for each finding. It
// changes nothing, and reads no secret's value.
package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
	"conductor-jwt/internal/printable"
)

// Level says how bad a finding is.
type Level string

// The levels. Only [Fail] means that tasks do not run.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is the outcome of one check of one thing.
type Finding struct {
	Check  string `json:"check"` // "server", "taskdef", "secret", …
	Level  Level  `json:"level"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"` // one thing to do; empty if OK
}

// Server is the part of Conductor that is examined; [conductor.Client] is one.
type Server interface {
	BaseURL() string
	Version(ctx context.Context) (string, error)
	Skew() (time.Duration, bool)
	WorkflowTasks(ctx context.Context, limit int64, wanted func(queue string) bool) ([]conductor.WorkflowTask, error)
	TaskDef(ctx context.Context, name string) (def conductor.TaskDef, exists bool, err error)
	SecretExists(ctx context.Context, name string) (bool, error)
	SecretNames(ctx context.Context) (names []string, ok bool, err error)
	QueueSize(ctx context.Context, taskType, domain string) (int, error)
	PollData(ctx context.Context, taskType string) ([]model.PollData, error)
}

// Options say what to examine.
type Options struct {
	Server    Server
	Anonymous Server // the same server without credentials; nil where there are none
	TaskTypes []string
	Domain    string
	Delivered map[string]string // keys that the server sends with each task: their names and secrets
	Registers bool              // the worker registers missing task definitions
	Now       func() time.Time
}

// Run does all checks. Where the server cannot be used, it does the first alone.
func Run(ctx context.Context, o Options) []Finding {
	found := server(ctx, o)
	if worst(found) == Fail {
		return found
	}
	tasks, elsewhere, listed := workflows(ctx, o)
	found = append(found, clock(o), secretsAPI(ctx, o))
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

// unknown is a check that could not be done. Rights are what it needs on the
// server.
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

func refused(err error) bool {
	e, is := errors.AsType[*conductor.Error](err)
	return is && (e.Class == conductor.Unauthorized || e.Class == conductor.Forbidden)
}

// maxName is the length in bytes to which a name from the server is cut.
const maxName = 128

// quote shows a plain name as it is, and any other within quotes and escaped.
func quote(name string) string {
	if short := plain(name); short == name && name != "" {
		return name
	}
	return `"` + printable.ASCII(name, maxName) + `"`
}

// argument is a name after a command that a user copies into a shell. It is
// empty for a name that a shell would interpret, or the command as a flag.
func argument(name string) string {
	if name == "" || plain(name) != name || strings.HasPrefix(name, "-") {
		return ""
	}
	return " " + name
}

// plain is the part of a name that is safe in a command.
func plain(name string) string {
	if len(name) > maxName {
		name = name[:maxName]
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-:/", r) {
			return r
		}
		return -1
	}, name)
}
