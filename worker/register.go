package worker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// TaskDefs is what registration needs of Conductor.
type TaskDefs interface {
	TaskDef(ctx context.Context, name string) (found bool, err error)
	CreateTaskDef(ctx context.Context, def conductor.TaskDef) error
}

// Registrar registers task definitions, never over an existing one: that would
// clear what its owner has set.
type Registrar struct {
	api    TaskDefs
	names  []string          // registered at the start
	def    conductor.TaskDef // but for the name
	log    *slog.Logger
	jitter jitter

	calls sync.Mutex // held from the question for a definition to its creation

	mu        sync.Mutex
	forbidden bool
	refused   map[string]bool // names that the server does not take
}

// NewRegistrar makes a Registrar for the task types that the worker polls;
// ownerEmail may be empty.
func NewRegistrar(api TaskDefs, taskTypes []string, ownerEmail string, log *slog.Logger) *Registrar {
	return &Registrar{
		api: api, names: DefaultNames(taskTypes), def: Definition("", ownerEmail), log: log, jitter: fullJitter,
		refused: map[string]bool{},
	}
}

// Definition is the task definition that the worker registers. The response
// timeout is what brings a task back from a worker that died; without a
// definition the server has none.
func Definition(name, ownerEmail string) conductor.TaskDef {
	return conductor.TaskDef{
		Name:                   name,
		Description:            "Signs a JSON Web Token; run by conductor-jwt.",
		OwnerEmail:             ownerEmail,
		RetryCount:             3,
		RetryLogic:             "EXPONENTIAL_BACKOFF",
		RetryDelaySeconds:      1,
		ResponseTimeoutSeconds: 30,
		TimeoutSeconds:         0,
		TimeoutPolicy:          "RETRY",
		InputKeys:              task.InputKeys(),
		OutputKeys:             task.OutputKeys(),
	}
}

// DefaultNames are the task names registered at the start. The server finds a
// definition by the task's name: get_signed_jwt is what people write for it, a
// SIMPLE task has the task type as its name, and others have it too.
func DefaultNames(taskTypes []string) []string {
	names := []string{"get_signed_jwt"}
	for _, t := range taskTypes {
		if !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	return names
}

// Run registers the default names, as soon as the server lets it, and returns.
func (r *Registrar) Run(ctx context.Context) {
	for _, name := range r.names {
		r.ensure(ctx, name, 0)
	}
}

// Ensure registers one name that was seen in a task, where it has no
// definition. It is a hook for [Options].EnsureTaskDef, and gives up after a
// minute.
func (r *Registrar) Ensure(ctx context.Context, name string) {
	r.ensure(ctx, name, time.Minute)
}

// ensure repeats what heals until it is done; most bounds it, 0 does not.
func (r *Registrar) ensure(ctx context.Context, name string, most time.Duration) {
	began := time.Now()
	for failures := 1; !r.isRefused(name) && ctx.Err() == nil; failures++ {
		err := r.once(ctx, name)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !heals(err.Class) {
			r.giveUp(ctx, name, err)
			return
		}
		if most > 0 && time.Since(began) >= most {
			r.log.WarnContext(ctx, "the task definition could not be registered; run `taskdef apply`",
				"task_name", outside(name), "class", string(err.Class))
			return
		}
		if !rest(ctx, updateWait(err, failures, r.jitter)) {
			return
		}
	}
}

func (r *Registrar) isRefused(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forbidden || r.refused[name]
}

// giveUp ends the tries for a name, after a 403 for every name, and says so
// once.
func (r *Registrar) giveUp(ctx context.Context, name string, err *conductor.Error) {
	r.mu.Lock()
	told := r.forbidden || r.refused[name]
	r.refused[name] = true
	r.forbidden = r.forbidden || err.Class == conductor.Forbidden
	r.mu.Unlock()
	if told {
		return
	}
	r.log.WarnContext(ctx, "the server does not let this worker register task definitions; ask its operator to register them, or set CONDUCTOR_JWT_REGISTER_TASKDEFS to off",
		"task_name", outside(name), "class", string(err.Class), "http_status", err.Status)
}

// once creates the definition where there is none. Between the two calls
// somebody else may create it, who is then overwritten: the server has no
// conditional write.
func (r *Registrar) once(ctx context.Context, name string) (failure *conductor.Error) {
	defer func() {
		if recover() != nil { // it would end the process
			failure = panicked("register taskdef")
		}
	}()
	r.calls.Lock()
	defer r.calls.Unlock()
	found, err := r.api.TaskDef(ctx, name)
	if err != nil {
		return failureOf("get taskdef", err)
	}
	if found {
		return nil
	}
	def := r.def
	def.Name = name
	if err := r.api.CreateTaskDef(ctx, def); err != nil {
		return failureOf("create taskdef", err)
	}
	r.log.InfoContext(ctx, "registered a task definition", "task_name", outside(name))
	return nil
}
