package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/printable"
	"conductor-jwt/task"
)

// stored is the server's answer for a task definition.
type stored struct {
	conductor.TaskDef
	queue  string
	simple bool // the definition of a SIMPLE task
	exists bool
	err    error
}

// definitions asks for the definition of every task name in use.
func definitions(ctx context.Context, o Options, tasks []surveyedTask) map[string]stored {
	defs := map[string]stored{}
	for _, t := range tasks {
		if _, asked := defs[t.Name]; !asked {
			def, exists, err := o.Server.TaskDef(ctx, t.Name)
			defs[t.Name] = stored{def, t.Queue(), t.Type == api.Simple, exists, err}
		}
	}
	return defs
}

// taskDefs checks the definitions. A task without one is never delivered again
// when its worker dies.
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

// undefined is the finding about a missing task definition. The server then uses
// one without a response timeout, or for a SIMPLE task with one of an hour.
func undefined(o Options, name string, simple bool) Finding {
	const check = "taskdef"
	found := quote(name) + " has no task definition: a task whose worker dies hangs forever, and nothing is retried"
	if simple {
		found = quote(name) + " has no task definition: a task whose worker dies waits an hour for another worker"
	}
	remedy := "run `conductor-jwt taskdef apply" + argument(name) + "`"
	if o.Registers {
		return warn(check, found, "start the worker, which registers it at its start or after the first such task; to have it before that, "+remedy)
	}
	return fail(check, found, remedy)
}

// limits finds settings that make tasks wait while workers are free.
func limits(name string, def stored) []Finding {
	const check, remedy = "taskdef", "raise the limit in the task definition, or set it to 0 for none"
	var found []Finding
	if n := def.ConcurrentExecLimit; n > 0 {
		found = append(found, warn(check, fmt.Sprintf("%s has concurrentExecLimit %d: the server hands out no more than %s at once, however many slots there are", quote(name), n, printable.Count(int(n), "task")), remedy))
	}
	if n := def.RateLimitPerFrequency; n > 0 {
		found = append(found, warn(check, fmt.Sprintf("%s has rateLimitPerFrequency %d: the server hands out no more than %s in %d s, however many slots there are", quote(name), n, printable.Count(int(n), "task"),
			max(def.RateLimitFrequencyInSeconds, 1)), remedy))
	}
	return found
}

// The range of response timeouts without a warning, in seconds. The server's own
// default is an hour.
const (
	minResponseTimeout = 10
	maxResponseTimeout = 300
	// A provider has 10 s to answer, and then the result is to be reported.
	minExchangeTimeout = 20
)

func taskDef(name string, def stored) Finding {
	const check = "taskdef"
	shown := quote(name)
	switch {
	case def.err == nil && def.ResponseTimeoutSeconds > 0 && def.ResponseTimeoutSeconds < minExchangeTimeout && task.Exchanges(def.queue):
		return warn(check, fmt.Sprintf("%s has responseTimeoutSeconds %d: a slow provider may answer later, and then the task is run again", shown, def.ResponseTimeoutSeconds),
			"set responseTimeoutSeconds to 30")
	case def.err != nil:
		return unknown(check, def.err, "read metadata")
	case def.ResponseTimeoutSeconds == 0:
		return fail(check, shown+" has responseTimeoutSeconds 0: a task whose worker dies hangs forever", "set responseTimeoutSeconds to 30")
	case def.ResponseTimeoutSeconds < minResponseTimeout:
		return warn(check, fmt.Sprintf("%s has responseTimeoutSeconds %d: during an outage of the server a worker has only that long to report", shown, def.ResponseTimeoutSeconds),
			"set responseTimeoutSeconds to 30")
	case def.ResponseTimeoutSeconds > maxResponseTimeout:
		return warn(check, fmt.Sprintf("%s has responseTimeoutSeconds %d: a task whose worker dies waits that long for another worker", shown, def.ResponseTimeoutSeconds),
			"set responseTimeoutSeconds to 30")
	case def.RetryCount == 0:
		return warn(check, shown+" has retryCount 0: one lost worker, or one outage of a key store, fails the workflow", "set retryCount to 3")
	default:
		return ok(check, fmt.Sprintf("%s: %s, response timeout %d s", shown, printable.Count(int(def.RetryCount), "retry"), def.ResponseTimeoutSeconds))
	}
}

// delivered checks keys that the server sends with each task: the definition of a
// task that names one must list its secret.
func delivered(o Options, tasks []surveyedTask, defs map[string]stored) []Finding {
	const check = "taskdef"
	var found []Finding
	type lack struct{ task, secret string }
	reported := map[lack]bool{}
	for _, t := range tasks {
		secret, comes := o.Delivered[t.KeyRef]
		if !comes || reported[lack{t.Name, secret}] {
			continue
		}
		reported[lack{t.Name, secret}] = true
		def := defs[t.Name]
		if def.err != nil || !def.exists || slices.Contains(def.RuntimeMetadata, secret) {
			continue // good, or reported by another check
		}
		found = append(found, fail(check, fmt.Sprintf("%s does not list the secret %s in runtimeMetadata: its tasks come without the key %s", quote(t.Name), quote(secret), quote(t.KeyRef)),
			"add "+plain(secret)+" to runtimeMetadata in the task definition, and define the secret on the server"))
	}
	return found
}
