package worker

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// TaskDefs is the part of Conductor that a [Registrar] uses.
type TaskDefs interface {
	TaskDef(ctx context.Context, name string) (def conductor.TaskDef, exists bool, err error)
	CreateTaskDef(ctx context.Context, def model.TaskDef) error
}

// Registrar registers task definitions. It never overwrites one, because that
// would clear what its owner has set.
type Registrar struct {
	server     TaskDefs
	names      []string // registered at the start
	ownerEmail string
	log        *slog.Logger
	jitter     jitter

	mu        sync.Mutex // held during the calls for one name
	forbidden bool
	refused   map[string]bool // names that the server does not accept
}

// NewRegistrar makes a Registrar for the task types that the worker polls;
// ownerEmail may be empty.
func NewRegistrar(server TaskDefs, taskTypes []string, ownerEmail string, log *slog.Logger) *Registrar {
	return &Registrar{
		server: server, names: DefaultNames(taskTypes), ownerEmail: ownerEmail, log: log, jitter: fullJitter,
		refused: map[string]bool{},
	}
}

// Definition is the task definition that the worker registers for the name of a
// task in a queue. Its response
// timeout makes the server deliver a task again whose worker died; without a
// definition there is none.
func Definition(queue, name, ownerEmail string) model.TaskDef {
	about := task.DefinitionOf(queue)
	return model.TaskDef{
		Name:                   name,
		Description:            about.Summary + "; run by conductor-jwt.",
		OwnerEmail:             ownerEmail,
		RetryCount:             3,
		RetryLogic:             "EXPONENTIAL_BACKOFF",
		RetryDelaySeconds:      1,
		ResponseTimeoutSeconds: 30,
		TimeoutSeconds:         0,
		TimeoutPolicy:          "RETRY",
		InputKeys:              about.InputKeys,
		OutputKeys:             about.OutputKeys,
	}
}

// DefaultNames are the task names registered at the start. The server finds a
// definition by the name of a task, which is usually the task type in lower case,
// such as get_signed_jwt; a SIMPLE task, and some others, have the task type as
// their name. Each of these names is that of its queue, too.
func DefaultNames(taskTypes []string) []string {
	names := []string{strings.ToLower(task.TaskType)}
	for _, t := range taskTypes {
		for _, name := range []string{strings.ToLower(t), t} {
			if !slices.Contains(names, name) && (name == t || task.HasContract(t)) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Run registers the default names and returns. It retries until ctx ends.
func (r *Registrar) Run(ctx context.Context) {
	for _, name := range r.names {
		r.ensure(ctx, name, name, 0)
	}
}

// Ensure registers a definition for the name of a task in a queue, if it has none.
// It retries for a minute. It is meant for [Options].EnsureTaskDef.
func (r *Registrar) Ensure(ctx context.Context, queue, name string) {
	r.ensure(ctx, queue, name, time.Minute)
}

// ensure retries for limit; 0 is no limit.
func (r *Registrar) ensure(ctx context.Context, queue, name string, limit time.Duration) {
	began := time.Now()
	for failures := 1; ctx.Err() == nil; failures++ {
		err := r.ensureOnce(ctx, queue, name)
		if err == nil || ctx.Err() != nil {
			return
		}
		if limit > 0 && time.Since(began) >= limit {
			r.log.WarnContext(ctx, "the task definition could not be registered; run `taskdef apply`",
				"task_name", escape(name), "class", string(err.Class))
			return
		}
		if !sleep(ctx, retryBackoff(err, failures, r.jitter)) {
			return
		}
	}
}

// ensureOnce returns an error if a retry may succeed. It logs one that is
// permanent once, and makes no further call for the name; after a 403, for no
// name.
func (r *Registrar) ensureOnce(ctx context.Context, queue, name string) *conductor.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forbidden || r.refused[name] {
		return nil
	}
	err := r.createIfMissing(ctx, queue, name)
	if err == nil || ctx.Err() != nil || retryable(err.Class) {
		return err
	}
	r.refused[name] = true
	r.forbidden = err.Class == conductor.Forbidden
	r.log.WarnContext(ctx, "the server does not let this worker register task definitions; ask its operator to register them, or set CONDUCTOR_JWT_REGISTER_TASKDEFS to off",
		"task_name", escape(name), "class", string(err.Class), "http_status", err.Status)
	return nil
}

// createIfMissing creates the definition if there is none. The server has no
// conditional write: a definition that another client creates between the two
// calls is overwritten.
func (r *Registrar) createIfMissing(ctx context.Context, queue, name string) (failure *conductor.Error) {
	defer func() {
		if recover() != nil { // of the client; it would end the process
			failure = panicError("register taskdef")
		}
	}()
	_, exists, err := r.server.TaskDef(ctx, name)
	if err != nil {
		return conductorError("get taskdef", err)
	}
	if exists {
		return nil
	}
	if err := r.server.CreateTaskDef(ctx, Definition(queue, name, r.ownerEmail)); err != nil {
		return conductorError("create taskdef", err)
	}
	r.log.InfoContext(ctx, "registered a task definition", "task_name", escape(name))
	return nil
}

const (
	// maxNames bounds the task names that are remembered: the server sends them.
	maxNames = 1000
	// recheckInterval is how often the server is asked again for the definitions
	// of known names.
	recheckInterval = 5 * time.Second
	// serverResponseTimeout is what the server gives a SIMPLE task that has no
	// task definition, and a definition that sets no response timeout.
	serverResponseTimeout = time.Hour
)

// mayLackTaskDef reports whether a task with this response timeout may have no
// task definition. In that case the server sends one that it made up: without a
// timeout, or for a SIMPLE task with an hour.
func mayLackTaskDef(responseTimeout time.Duration) bool {
	return responseTimeout <= 0 || responseTimeout == serverResponseTimeout
}

// checkTaskDef looks at the definition that the server sent with a task. It warns
// once for each task name whose tasks would hang if their worker crashed: without
// a response timeout forever, with the server's own for an hour.
func (w *Worker) checkTaskDef(ctx context.Context, d *delivery) {
	if d.task.Malformed || !mayLackTaskDef(d.task.ResponseTimeout) {
		return
	}
	noTimeout := d.task.ResponseTimeout <= 0
	if noTimeout {
		w.metrics.NoResponseTimeout(d.taskType)
	}
	if !w.missingDefs.add(d.taskType, d.task.Name, d.task.Scheduled) {
		return
	}
	ids := []any{"task_name", escape(d.task.Name), "task_type", d.taskType}
	if noTimeout {
		w.log.WarnContext(ctx, "the task definition has no response timeout: if this worker had crashed, the task would have hung forever; set responseTimeoutSeconds", ids...)
		return
	}
	w.log.WarnContext(ctx, "the task has the server's own response timeout: if this worker had crashed, the task would have waited an hour for another; set responseTimeoutSeconds", ids...)
}

// missingDefs collects the names of tasks that may have no task definition, for
// one goroutine that asks the server: at once for a new name, and again within
// [recheckInterval] when a task of that name was scheduled after the last one,
// because the definition may have been deleted meanwhile.
type missingDefs struct {
	added chan queuedName // has room for every name that is remembered

	mu      sync.Mutex
	latest  map[string]time.Time // when the latest task of each name was scheduled
	recheck []queuedName
}

// queuedName is the name of a task and its queue. A name has one definition: its
// queue is that of the first task of the name.
type queuedName struct{ queue, name string }

func newMissingDefs() *missingDefs {
	return &missingDefs{added: make(chan queuedName, maxNames), latest: make(map[string]time.Time)}
}

// add notes the name of a task in a queue. It reports whether the name is new.
func (m *missingDefs) add(queue, name string, scheduled time.Time) bool {
	if name == "" {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	latest, known := m.latest[name]
	switch {
	case !known && len(m.latest) < maxNames:
		m.latest[name] = scheduled
		m.added <- queuedName{queue, name}
		return true
	case known && scheduled.After(latest):
		m.latest[name] = scheduled
		if n := (queuedName{queue, name}); !slices.Contains(m.recheck, n) {
			m.recheck = append(m.recheck, n)
		}
	}
	return false
}

// takeRecheck returns the names to ask for again.
func (m *missingDefs) takeRecheck() []queuedName {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := m.recheck
	m.recheck = nil
	return names
}

func (m *missingDefs) run(ctx context.Context, ensure func(ctx context.Context, queue, name string)) {
	ticker := time.NewTicker(recheckInterval)
	defer ticker.Stop()
	for {
		select {
		case n := <-m.added:
			ensure(ctx, n.queue, n.name)
		case <-ticker.C:
			for _, n := range m.takeRecheck() {
				ensure(ctx, n.queue, n.name)
			}
		case <-ctx.Done():
			return
		}
	}
}
