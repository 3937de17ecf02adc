package worker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// TaskDefs is what registration needs of Conductor.
type TaskDefs interface {
	TaskDef(ctx context.Context, name string) (found bool, err error)
	CreateTaskDef(ctx context.Context, def api.TaskDef) error
}

// Registrar registers task definitions, never over an existing one: that would
// clear what its owner has set.
type Registrar struct {
	api    TaskDefs
	names  []string    // registered at the start
	def    api.TaskDef // but for the name
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
func Definition(name, ownerEmail string) api.TaskDef {
	return api.TaskDef{
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
		err := r.ensureOnce(ctx, name)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !retryable(err.Class) {
			r.giveUp(ctx, name, err)
			return
		}
		if most > 0 && time.Since(began) >= most {
			r.log.WarnContext(ctx, "the task definition could not be registered; run `taskdef apply`",
				"task_name", escape(name), "class", string(err.Class))
			return
		}
		if !sleep(ctx, updateWait(err, failures, r.jitter)) {
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
	reported := r.forbidden || r.refused[name]
	r.refused[name] = true
	r.forbidden = r.forbidden || err.Class == conductor.Forbidden
	r.mu.Unlock()
	if reported {
		return
	}
	r.log.WarnContext(ctx, "the server does not let this worker register task definitions; ask its operator to register them, or set CONDUCTOR_JWT_REGISTER_TASKDEFS to off",
		"task_name", escape(name), "class", string(err.Class), "http_status", err.Status)
}

// once creates the definition where there is none. Between the two calls
// somebody else may create it, who is then overwritten: the server has no
// conditional write.
func (r *Registrar) ensureOnce(ctx context.Context, name string) (failure *conductor.Error) {
	defer func() {
		if recover() != nil { // it would end the process
			failure = panicError("register taskdef")
		}
	}()
	r.calls.Lock()
	defer r.calls.Unlock()
	found, err := r.api.TaskDef(ctx, name)
	if err != nil {
		return conductorError("get taskdef", err)
	}
	if found {
		return nil
	}
	def := r.def
	def.Name = name
	if err := r.api.CreateTaskDef(ctx, def); err != nil {
		return conductorError("create taskdef", err)
	}
	r.log.InfoContext(ctx, "registered a task definition", "task_name", escape(name))
	return nil
}

const (
	// maxNames bounds what is remembered of names that the server sends.
	maxNames = 1000
	// recheckEvery is how often the definitions of known names are asked for again.
	recheckEvery = 5 * time.Second
	// serverResponseTimeout is what the server gives a SIMPLE task that has no
	// task definition, and a definition that sets no response timeout.
	serverResponseTimeout = time.Hour
)

// mayLackTaskDef reports whether a task with this response timeout may have no
// task definition. The server sends one that it made up where there is none:
// without a timeout, or for a SIMPLE task with an hour.
func mayLackTaskDef(responseTimeout time.Duration) bool {
	return responseTimeout <= 0 || responseTimeout == serverResponseTimeout
}

// missingDefs collects the names of tasks that may have no task definition, for
// one goroutine that asks the server: at once for a new name, and again within
// [recheckEvery] when a task of it was scheduled after those that it was asked for,
// since the definition may have been deleted in between.
type missingDefs struct {
	added chan string

	mu      sync.Mutex
	latest  map[string]time.Time // when the last task of each name was scheduled
	recheck []string
}

func newMissingDefs() *missingDefs {
	return &missingDefs{added: make(chan string, maxNames), latest: make(map[string]time.Time)}
}

// note adds a task's name. It reports whether the name is a new one.
func (u *missingDefs) add(name string, scheduled time.Time) bool {
	if name == "" {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	latest, known := u.latest[name]
	switch {
	case !known && len(u.latest) < maxNames:
		u.latest[name] = scheduled
		u.added <- name // has room for as many as are remembered
		return true
	case known && scheduled.After(latest):
		u.latest[name] = scheduled
		if !slices.Contains(u.recheck, name) {
			u.recheck = append(u.recheck, name)
		}
	}
	return false
}

// take returns the names to ask for again.
func (u *missingDefs) takeRecheck() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	names := u.recheck
	u.recheck = nil
	return names
}

func (u *missingDefs) run(ctx context.Context, ensure func(context.Context, string)) {
	tick := time.NewTicker(recheckEvery)
	defer tick.Stop()
	for {
		select {
		case name := <-u.added:
			ensure(ctx, name)
		case <-tick.C:
			for _, name := range u.takeRecheck() {
				ensure(ctx, name)
			}
		case <-ctx.Done():
			return
		}
	}
}

// checkTaskDef looks at the definition that the server sent with a task, and
// warns of each name once. Without a response timeout a task that was lost with
// its worker is never delivered again, and by the server's own after an hour.
func (w *Worker) checkTaskDef(ctx context.Context, j *delivery) {
	unbounded := j.task.ResponseTimeout <= 0
	if j.task.Malformed || !mayLackTaskDef(j.task.ResponseTimeout) {
		return
	}
	if unbounded {
		w.opts.Observer.Unbounded(j.taskType)
	}
	if !w.missingDefs.add(j.task.Name, j.task.Scheduled) {
		return
	}
	name := []any{"task_name", escape(j.task.Name), "task_type", j.taskType}
	if unbounded {
		w.log.WarnContext(ctx, "the task definition has no response timeout: if this worker had crashed, the task would have hung forever; set responseTimeoutSeconds", name...)
		return
	}
	w.log.WarnContext(ctx, "the task has the server's own response timeout: if this worker had crashed, the task would have waited an hour for another; set responseTimeoutSeconds", name...)
}
