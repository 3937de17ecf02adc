package conductortest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"conductor-jwt/conductor/api"
)

// TaskSpec is a task to enqueue. All fields but Type are optional.
type TaskSpec struct {
	ID           string // "task-1", "task-2", …
	Type         string // the queue
	Simple       bool   // a SIMPLE task, queued under its Name; Type may be left out
	Name         string // the definition's name; may be empty
	Domain       string
	WorkflowID   string // "workflow-1", …; tasks may share one
	WorkflowType string // "test" if empty

	// Template is workflowTask.inputParameters. Its ${workflow.secrets.…} are
	// resolved when the task is polled, its other expressions are null: a
	// workflow here has no input.
	Template json.RawMessage
	// Input, if set, is the stored input; Template is then delivered but not
	// resolved. Input without Template is a task without a template.
	Input json.RawMessage

	// Definition is the inline definition. The default is the one registered for
	// Name; without one, a definition without retries and timeout, or for a
	// SIMPLE task one with the server's defaults.
	Definition *Definition
	External   bool // the input went to external payload storage
}

// Definition is the part of a task definition that the ledger uses.
type Definition struct {
	Retries         int
	RetryLogic      string        // "FIXED" if empty, "EXPONENTIAL_BACKOFF", "LINEAR_BACKOFF"
	RetryDelay      time.Duration // whole seconds
	ResponseTimeout time.Duration // whole seconds; 0 is never
	InputTemplate   json.RawMessage
	RuntimeMetadata []string // names of secrets to deliver beside the input
}

// definitionJSON is a definition as the server encodes it.
type definitionJSON struct {
	Name                   string          `json:"name"`
	RetryCount             int             `json:"retryCount"`
	RetryLogic             string          `json:"retryLogic"`
	RetryDelaySeconds      int             `json:"retryDelaySeconds"`
	ResponseTimeoutSeconds int             `json:"responseTimeoutSeconds"`
	TimeoutSeconds         int             `json:"timeoutSeconds"`
	TimeoutPolicy          string          `json:"timeoutPolicy"`
	InputTemplate          json.RawMessage `json:"inputTemplate,omitempty"`
	RuntimeMetadata        []string        `json:"runtimeMetadata,omitempty"`
}

func (d Definition) wire(name string) definitionJSON {
	return definitionJSON{
		Name: name, RetryCount: d.Retries, RetryLogic: cmp.Or(d.RetryLogic, "FIXED"),
		RetryDelaySeconds:      int(d.RetryDelay / time.Second),
		ResponseTimeoutSeconds: int(d.ResponseTimeout / time.Second),
		TimeoutPolicy:          "TIME_OUT_WF",
		InputTemplate:          d.InputTemplate, RuntimeMetadata: d.RuntimeMetadata,
	}
}

// PutTaskDef registers a definition given as JSON and replaces an earlier one. It
// applies the server's defaults and validation.
func (l *Ledger) PutTaskDef(raw json.RawMessage) error {
	d := definitionJSON{ // the server's defaults
		RetryCount: 3, RetryLogic: "FIXED", RetryDelaySeconds: 60,
		ResponseTimeoutSeconds: 3600, TimeoutPolicy: "TIME_OUT_WF",
	}
	if json.Unmarshal(raw, &d) != nil {
		return refused("create taskdef", 500)
	}
	if d.Name == "" || d.RetryCount < 0 || d.ResponseTimeoutSeconds < 1 ||
		d.TimeoutSeconds > 0 && d.ResponseTimeoutSeconds >= d.TimeoutSeconds {
		return refused("create taskdef", 400)
	}
	full, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("conductortest: task definition: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.defs[d.Name] = full
	return nil
}

// StoredTaskDef returns a registered definition, nil if there is none.
func (l *Ledger) StoredTaskDef(name string) json.RawMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.defs[name]
}

// DeleteTaskDef removes a registered definition.
func (l *Ledger) DeleteTaskDef(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.defs, name)
}

// definitionFor returns the definition of a task. The caller holds the lock.
func (l *Ledger) definitionFor(spec TaskSpec) Definition {
	if spec.Definition != nil {
		return *spec.Definition
	}
	raw, ok := l.defs[spec.Name]
	switch {
	case !ok && spec.Simple:
		return Definition{Retries: 3, RetryDelay: time.Minute, ResponseTimeout: time.Hour}
	case !ok:
		return Definition{RetryDelay: time.Minute}
	}
	var d definitionJSON
	if json.Unmarshal(raw, &d) != nil {
		return Definition{RetryDelay: time.Minute}
	}
	return Definition{
		Retries: d.RetryCount, RetryLogic: d.RetryLogic,
		RetryDelay:      time.Duration(d.RetryDelaySeconds) * time.Second,
		ResponseTimeout: time.Duration(d.ResponseTimeoutSeconds) * time.Second,
		InputTemplate:   d.InputTemplate, RuntimeMetadata: d.RuntimeMetadata,
	}
}

// retryDelay returns the delay after the failure of an attempt; 0 is the first.
func (d Definition) retryDelay(retry int) time.Duration {
	switch d.RetryLogic {
	case "EXPONENTIAL_BACKOFF":
		return d.RetryDelay << min(retry, 20)
	case "LINEAR_BACKOFF":
		return d.RetryDelay * time.Duration(retry+1)
	default:
		return d.RetryDelay
	}
}

// Enqueue queues a task and returns its ID.
func (l *Ledger) Enqueue(spec TaskSpec) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enqueued++
	n := l.enqueued
	if spec.Simple {
		spec.Type = spec.Name
	}
	if spec.ID == "" {
		spec.ID = fmt.Sprintf("task-%d", n)
	}
	if spec.WorkflowID == "" {
		spec.WorkflowID = fmt.Sprintf("workflow-%d", n)
	}
	if spec.WorkflowType == "" {
		spec.WorkflowType = "test"
	}
	def := l.definitionFor(spec)
	e := &entry{
		spec: spec, def: def, id: spec.ID, first: spec.ID, seq: n,
		input: startInput(spec, def), status: Scheduled, scheduled: l.now(),
	}
	w := l.workflows[spec.WorkflowID]
	if w == nil {
		w = &workflow{id: spec.WorkflowID}
		l.workflows[spec.WorkflowID] = w
	}
	w.status = Running
	w.chains = append(w.chains, e)
	l.order = append(l.order, e)
	l.tasks[e.id] = e
	l.unended++
	l.schedule(e, l.now())
	l.settle()
	l.wake()
	return e.id
}

// task returns a delivery as conductor.Client does.
func (d leasedTask) task() api.Task {
	return api.Task{
		ID: d.id, Type: d.spec.Type, Name: d.spec.Name,
		WorkflowID: d.spec.WorkflowID, WorkflowType: d.spec.WorkflowType,
		Retry: d.retry, Scheduled: d.scheduled, Started: d.started, ResponseTimeout: d.def.ResponseTimeout,
		Input: secretJSON(d.input), Template: d.spec.Template, Defaults: d.def.InputTemplate,
		RuntimeMetadata: secretTexts(d.metadata), External: d.spec.External,
	}
}
