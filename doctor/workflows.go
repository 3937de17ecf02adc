package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// use is a task of a workflow, and what its template tells.
type use struct {
	conductor.WorkflowTask
	task.Survey
}

// workflows lists the tasks in use, and those that only look like them.
func workflows(ctx context.Context, o Options) (uses []use, elsewhere []conductor.WorkflowTask, found []Finding) {
	tasks, err := o.Server.WorkflowTasks(ctx, conductor.MaxAnswer, o.TaskTypes...)
	if err != nil {
		return nil, nil, []Finding{unknown("workflows", err, "read metadata")}
	}
	names := map[string]bool{}
	for _, t := range tasks {
		if !slices.Contains(o.TaskTypes, t.Queue()) {
			elsewhere = append(elsewhere, t)
			continue
		}
		names[t.Workflow] = true
		uses = append(uses, use{t, task.SurveyOf(t.Template)})
	}
	if len(uses) == 0 {
		return nil, elsewhere, []Finding{ok("workflows", "no workflow definition uses "+strings.Join(o.TaskTypes, " or ")+" yet")}
	}
	return uses, elsewhere, []Finding{ok("workflows", fmt.Sprintf("%s in %s", count(len(uses), "task"), count(len(names), "workflow")))}
}

// stored is the server's answer to the question for a task definition.
type stored struct {
	conductor.TaskDef
	simple bool // the definition of a SIMPLE task
	exists bool
	err    error
}

// definitions asks for the definition of every task name in use.
func definitions(ctx context.Context, o Options, tasks []use) map[string]stored {
	defs := map[string]stored{}
	for _, t := range tasks {
		if _, asked := defs[t.Name]; !asked {
			def, exists, err := o.Server.TaskDef(ctx, t.Name)
			defs[t.Name] = stored{def, t.Type == "SIMPLE", exists, err}
		}
	}
	return defs
}

// taskDefs looks at definitions. Without one, a task that dies with its worker
// is never delivered again.
func taskDefs(o Options, defs map[string]stored) []Finding {
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		def := defs[name]
		if def.err == nil && !def.exists {
			found = append(found, undefined(o, name, def.simple))
			continue
		}
		found = append(found, taskDef(name, def))
		found = append(found, limits(name, def)...)
	}
	return found
}

// undefined is what the lack of a task definition means: the server then makes
// one up, without a response timeout or for a SIMPLE task with one of an hour.
func undefined(o Options, name string, simple bool) Finding {
	const check = "taskdef"
	found := quote(name) + " has no task definition: a task whose worker dies hangs forever, and nothing is retried"
	if simple {
		found = quote(name) + " has no task definition: a task whose worker dies waits an hour for another"
	}
	remedy := "run `conductor-jwt taskdef apply" + argument(name) + "`"
	if o.Registers {
		return warn(check, found, "start the worker, which registers it at its start or after the first such task; to have it before that, "+remedy)
	}
	return fail(check, found, remedy)
}

// limits are why tasks may wait though workers are free.
func limits(name string, def stored) []Finding {
	const check, remedy = "taskdef", "raise the limit in the task definition, or set it to 0 for none"
	var found []Finding
	if n := def.ConcurrentExecLimit; n > 0 {
		found = append(found, warn(check, fmt.Sprintf("%s has concurrentExecLimit %d: the server hands out no more than %s at once, however many slots there are", quote(name), n, count(int(n), "task")), remedy))
	}
	if n := def.RateLimitPerFrequency; n > 0 {
		found = append(found, warn(check, fmt.Sprintf("%s has rateLimitPerFrequency %d: the server hands out no more than %s in %d s, however many slots there are", quote(name), n, count(int(n), "task"),
			max(def.RateLimitFrequencyInSeconds, 1)), remedy))
	}
	return found
}

// What a response timeout may be, in seconds, without a warning. The server's
// own default is an hour.
const (
	minResponseTimeout = 10
	maxResponseTimeout = 300
)

func taskDef(name string, def stored) Finding {
	const check = "taskdef"
	shown := quote(name)
	switch {
	case def.err != nil:
		return unknown(check, def.err, "read metadata")
	case def.ResponseTimeoutSeconds == 0:
		return fail(check, shown+" has responseTimeoutSeconds 0: a task whose worker dies hangs forever", "set responseTimeoutSeconds to 30")
	case def.ResponseTimeoutSeconds < minResponseTimeout:
		return warn(check, fmt.Sprintf("%s has responseTimeoutSeconds %d: a worker that meets an outage has that long to report", shown, def.ResponseTimeoutSeconds),
			"set responseTimeoutSeconds to 30")
	case def.ResponseTimeoutSeconds > maxResponseTimeout:
		return warn(check, fmt.Sprintf("%s has responseTimeoutSeconds %d: a task whose worker dies waits that long for another", shown, def.ResponseTimeoutSeconds),
			"set responseTimeoutSeconds to 30")
	case def.RetryCount == 0:
		return warn(check, shown+" has retryCount 0: one lost worker, or one outage of a key store, fails the workflow", "set retryCount to 3")
	default:
		return ok(check, fmt.Sprintf("%s: %s, response timeout %d s", shown, count(int(def.RetryCount), "retry"), def.ResponseTimeoutSeconds))
	}
}

// delivered looks whether keys that are to come with tasks do: the definition of
// each task that names one has to list its secret.
func delivered(o Options, tasks []use, defs map[string]stored) []Finding {
	const check = "taskdef"
	var found []Finding
	type lack struct{ task, secret string }
	told := map[lack]bool{}
	for _, t := range tasks {
		secret, comes := o.Delivered[t.KeyRef]
		if !comes || told[lack{t.Name, secret}] {
			continue
		}
		told[lack{t.Name, secret}] = true
		def := defs[t.Name]
		if def.err != nil || !def.exists || slices.Contains(def.RuntimeMetadata, secret) {
			continue // which another check tells, or is as it should be
		}
		found = append(found, fail(check, fmt.Sprintf("%s does not list the secret %s in runtimeMetadata: its tasks come without the key %s", quote(t.Name), quote(secret), quote(t.KeyRef)),
			"add "+plain(secret)+" to runtimeMetadata in the task definition, and define the secret on the server"))
	}
	return found
}

// keysIn finds private keys that lie where workflows are stored.
func keysIn(tasks []use) []Finding {
	var found []Finding
	for _, t := range tasks {
		if t.LiteralKey {
			found = append(found, fail("key", where(t.WorkflowTask)+" has the private key itself in its definition, for all who may read workflows",
				"store the key as a secret, write ${workflow.secrets.NAME} in its place, and replace the key: it has been seen"))
		}
		if t.OpenKey {
			found = append(found, warn("key", where(t.WorkflowTask)+" takes its private key from the workflow's data: it is stored in clear with each execution",
				"store the key as a secret and write ${workflow.secrets.NAME}, or name a key of the policy by keyRef"))
		}
		for _, name := range t.SecretsElsewhere {
			found = append(found, warn("key", fmt.Sprintf("%s puts a secret into %s, which anybody who gets the token can read", where(t.WorkflowTask), name),
				"write the value itself: what a token says is no secret"))
		}
	}
	if len(found) == 0 && len(tasks) > 0 {
		found = append(found, ok("key", "no workflow holds a private key"))
	}
	return found
}

// secrets asks whether those that are named exist. It never reads one.
func secrets(ctx context.Context, o Options, tasks []use) []Finding {
	users := map[string]string{}
	for _, t := range tasks {
		for _, name := range t.Secrets {
			users[name] = where(t.WorkflowTask)
		}
		if name, comes := o.Delivered[t.KeyRef]; comes {
			users[name] = where(t.WorkflowTask)
		}
	}
	if len(users) == 0 {
		return nil
	}
	var found []Finding
	exist := existence(ctx, o.Server)
	for _, name := range slices.Sorted(maps.Keys(users)) {
		exists, err := exist(name)
		switch {
		case err != nil:
			return append(found, secretUnknown(err))
		case !exists:
			found = append(found, fail("secret", fmt.Sprintf("%s, used by %s, is not defined", quote(name), users[name]),
				"start the server with CONDUCTOR_SECRET_"+plain(name)+" set, or correct the name in the workflow"))
		default:
			found = append(found, ok("secret", quote(name)+" is defined"))
		}
	}
	return found
}

func secretUnknown(err error) Finding {
	f := unknown("secret", err, "read the names of secrets")
	if e, is := errors.AsType[*conductor.Error](err); is && e.Class == conductor.NotFound {
		f.Remedy = "look whether this server has secrets: older versions have none"
	}
	return f
}

// existence asks for the names of all secrets at once, and for each by itself
// where they are not listed: versions differ in which of the two they have.
func existence(ctx context.Context, s Server) func(name string) (bool, error) {
	names, listed, err := s.SecretNames(ctx)
	if err != nil || !listed {
		return func(name string) (bool, error) { return s.SecretExists(ctx, name) }
	}
	return func(name string) (bool, error) { return slices.Contains(names, name), nil }
}

func where(t conductor.WorkflowTask) string {
	return fmt.Sprintf("task %s of workflow %s version %d", quote(t.Reference), quote(t.Workflow), t.Version)
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ie"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
