package conductortest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// MaxPollTimeout is the maximum timeout of a poll; the server answers 400 to a
// longer one.
const MaxPollTimeout = 5 * time.Second

// Mode is how a long poll for several tasks waits, which depends on the server's
// queue store.
type Mode int

// The two modes.
const (
	// FirstMessage, the default, responds as soon as there is a task (Redis).
	FirstMessage Mode = iota
	// FillOrTimeout checks the queue once a tick and responds when it has the
	// count of the poll, or at the timeout with fewer (PostgreSQL, MySQL,
	// SQLite).
	FillOrTimeout
)

// tick is the interval of FillOrTimeout.
const tick = 100 * time.Millisecond

// Options configure a [Ledger]. The zero value is usable.
type Options struct {
	Now     func() time.Time  // time.Now if nil, which is the bubble's clock in synctest
	Mode    Mode              // default FirstMessage
	Secrets map[string]string // values of ${workflow.secrets.NAME}
	Faults  Faults            // nil for none
}

// Ledger is a Conductor server in memory. Make it with [NewLedger]. Its methods
// are safe for concurrent use.
type Ledger struct {
	now    func() time.Time
	mode   Mode
	faults Faults

	mu        sync.Mutex
	secrets   map[string]string
	tasks     map[string]*entry
	order     []*entry // by first enqueueing
	enqueued  int
	workflows map[string]*workflow
	queues    map[string]*queue
	leased    map[string]*entry
	defs      map[string]json.RawMessage

	workflowDefs json.RawMessage

	deliveries []*Delivery
	ofTask     map[string][]*Delivery // by task id
	unended    int                    // attempts that have not ended
	updates    []*Update
	polls      []*Poll
	calls      map[string]int
	changed    chan struct{} // closed at the next change; made by the first waiter
}

// NewLedger returns an empty server.
func NewLedger(o Options) *Ledger {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Ledger{
		now: o.Now, mode: o.Mode, faults: o.Faults,
		secrets:   map[string]string{},
		tasks:     map[string]*entry{},
		workflows: map[string]*workflow{},
		queues:    map[string]*queue{},
		leased:    map[string]*entry{},
		ofTask:    map[string][]*Delivery{},
		defs:      map[string]json.RawMessage{},
		calls:     map[string]int{},
	}
	maps.Copy(l.secrets, o.Secrets)
	return l
}

// SetSecret defines ${workflow.secrets.name} for later polls.
func (l *Ledger) SetSecret(name, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.secrets[name] = value
}

// Poll implements worker.Server. It blocks for at most q.Timeout. As in the real
// server, a poll whose context ends continues without its caller: it still leases
// a task that arrives before its timeout.
func (l *Ledger) Poll(ctx context.Context, q conductor.Query) ([]api.Task, error) {
	fault, err := l.applyFault(ctx, Call{Name: "poll", TaskType: q.TaskType, WorkerID: q.WorkerID})
	if err != nil {
		return nil, err
	}
	leased, err := l.poll(ctx, q, fault)
	if err != nil {
		return nil, err
	}
	if fault.Lost {
		return nil, injectedError("poll")
	}
	tasks := make([]api.Task, 0, len(leased))
	for i, d := range leased {
		t := d.task()
		switch {
		case i > 0:
		case fault.Unreadable == UnreadableID:
			t = api.Task{WorkflowID: t.WorkflowID, Type: t.Type, Malformed: true}
		case fault.Unreadable == UnreadableField:
			t = api.Task{ID: t.ID, WorkflowID: t.WorkflowID, Type: t.Type, Malformed: true}
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// Update implements worker.Server. As in the real server, an update of an ended
// task is acknowledged and ignored.
func (l *Ledger) Update(ctx context.Context, r api.Result) error {
	fault, err := l.applyFault(ctx, Call{
		Name: "update", TaskID: r.TaskID, WorkerID: r.WorkerID, Status: r.Status,
	})
	if err != nil {
		return err
	}
	if err := l.update(r); err != nil {
		return err
	}
	if fault.Lost {
		return injectedError("update")
	}
	return nil
}

// StoredWorkflow implements task.Stored.
func (l *Ledger) StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error) {
	fault, err := l.applyFault(ctx, Call{Name: "get workflow"})
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	raw := l.storedWorkflow(id)
	if raw == nil {
		return nil, refused("get workflow", 404)
	}
	if fault.Lost {
		return nil, injectedError("get workflow")
	}
	return raw, nil
}

// StoredTask implements task.Stored. The secrets in the task are not resolved.
func (l *Ledger) StoredTask(ctx context.Context, id string) (api.Task, error) {
	fault, err := l.applyFault(ctx, Call{Name: "get task", TaskID: id})
	if err != nil {
		return api.Task{}, err
	}
	raw, ok := l.storedTask(id)
	switch {
	case !ok:
		return api.Task{}, refused("get task", 404)
	case fault.Lost:
		return api.Task{}, injectedError("get task")
	}
	return api.DecodeTask(raw)
}

// storedTask is GET /api/tasks/{id}.
func (l *Ledger) storedTask(id string) (raw json.RawMessage, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	e, ok := l.tasks[id]
	if !ok {
		return nil, false
	}
	return e.stored(), true
}

// TaskDef returns a registered task definition.
func (l *Ledger) TaskDef(ctx context.Context, name string) (def conductor.TaskDef, exists bool, err error) {
	fault, err := l.applyFault(ctx, Call{Name: "get taskdef", TaskType: name})
	if err != nil {
		return def, false, err
	}
	raw := l.StoredTaskDef(name)
	switch {
	case fault.Lost:
		return def, false, injectedError("get taskdef")
	case raw == nil:
		return def, false, nil
	}
	return def, true, json.Unmarshal(raw, &def)
}

// CreateTaskDef registers a task definition. As in the real server, it replaces
// an earlier one and affects only tasks enqueued afterwards.
func (l *Ledger) CreateTaskDef(ctx context.Context, def model.TaskDef) error {
	fault, err := l.applyFault(ctx, Call{Name: "create taskdef", TaskType: def.Name})
	if err != nil {
		return err
	}
	raw, err := json.Marshal(def)
	if err != nil {
		return fmt.Errorf("conductortest: task definition: %w", err)
	}
	if err := l.PutTaskDef(raw); err != nil {
		return err
	}
	if fault.Lost {
		return injectedError("create taskdef")
	}
	return nil
}

// wake wakes all waiters. The caller holds the lock.
func (l *Ledger) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// change returns a channel that is closed at the next change. A waiter makes it,
// so that a ledger made outside a synctest bubble can be waited for inside one.
// The caller holds the lock.
func (l *Ledger) change() <-chan struct{} {
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}
