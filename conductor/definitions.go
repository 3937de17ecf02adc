package conductor

import (
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/printable"
)

// TaskDef is a task definition as it is registered: conductor-go's, and the
// secrets that the server sends with each task, which conductor-go leaves out.
type TaskDef struct {
	model.TaskDef
	RuntimeMetadata []string `json:"runtimeMetadata,omitempty"`
}

// TaskDef is a task definition as the server has it; exists is false where
// there is none.
func (c *Client) TaskDef(ctx context.Context, name string) (def TaskDef, exists bool, err error) {
	body, err := c.do(ctx, callGetTaskDef, request{argument: name})
	if hasStatus(err, http.StatusNotFound) {
		return TaskDef{}, false, nil
	}
	if err != nil {
		return TaskDef{}, false, err
	}
	err = json.Unmarshal(body, &def)
	if mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err); err != nil && (!ok || mistyped.Field == "") {
		return TaskDef{}, false, garbled(callGetTaskDef)
	}
	// A member of another type than conductor-go's is left empty: the definition
	// exists all the same, and few of its members matter here.
	return def, true, nil
}

// CreateTaskDef registers a task definition. It overwrites an existing one,
// including the fields that def leaves empty: call [Client.TaskDef] first.
func (c *Client) CreateTaskDef(ctx context.Context, def model.TaskDef) error {
	body, err := json.Marshal([]model.TaskDef{def})
	if err != nil {
		return &Error{Class: Rejected, Call: callCreateTaskDef}
	}
	_, err = c.do(ctx, callCreateTaskDef, request{body: body})
	return err
}

// WorkflowTask is a task of a workflow definition.
type WorkflowTask struct {
	Workflow  string // the definition's name
	Version   int    // the definition's version
	Name      string // the task definition's name
	Reference string // taskReferenceName
	Type      string
	// Template is inputParameters, expressions unresolved.
	Template json.RawMessage
}

// Queue is the queue in which the task waits.
func (t WorkflowTask) Queue() string { return api.Queue(t.Type, t.Name) }

// WorkflowTasks gives the tasks of every workflow definition in every version
// whose queue is wanted, including those within branches and loops. A list of
// definitions of more than limit bytes is an error of class [TooLarge].
func (c *Client) WorkflowTasks(ctx context.Context, limit int64, wanted func(queue string) bool) ([]WorkflowTask, error) {
	// Not conductor-go's model: one definition with an operator that the model
	// does not know would hide tasks, or make the whole list unreadable.
	var defs []struct {
		Name    string          `json:"name"`
		Version int             `json:"version"`
		Tasks   json.RawMessage `json:"tasks"`
	}
	if err := c.ask(ctx, callWorkflowDefs, request{limit: limit}, &defs); err != nil {
		return nil, err
	}
	var found []WorkflowTask
	for _, def := range defs {
		for _, t := range tasksWithin(def.Tasks, wanted, 0) {
			t.Workflow, t.Version = def.Name, def.Version
			found = append(found, t)
		}
	}
	return found, nil
}

// maxWorkflowLevels limits how deep tasks may be nested in branches.
const maxWorkflowLevels = 200

// tasksWithin finds tasks at any place, because each operator keeps its branches
// under a name of its own, and new versions of the server add operators.
func tasksWithin(raw json.RawMessage, wanted func(queue string) bool, level int) []WorkflowTask {
	if level > maxWorkflowLevels {
		return nil
	}
	var parts []json.RawMessage
	switch raw.Kind() {
	case jsontext.KindBeginArray:
		if json.Unmarshal(raw, &parts) != nil {
			return nil
		}
	case jsontext.KindBeginObject:
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return nil
		}
		if t := workflowTask(raw); wanted(t.Queue()) {
			return []WorkflowTask{t}
		}
		// The input of a task is data that may look like a task.
		delete(members, "inputParameters")
		for _, m := range members {
			parts = append(parts, m)
		}
	}
	var found []WorkflowTask
	for _, p := range parts {
		found = append(found, tasksWithin(p, wanted, level+1)...)
	}
	slices.SortStableFunc(found, func(a, b WorkflowTask) int { return strings.Compare(a.Reference, b.Reference) })
	return found
}

// workflowTask reads a task. Of an object that is not one, it is zero.
func workflowTask(raw json.RawMessage) WorkflowTask {
	var t struct {
		Name      string          `json:"name"`
		Reference string          `json:"taskReferenceName"`
		Type      string          `json:"type"`
		Template  json.RawMessage `json:"inputParameters"`
	}
	if json.Unmarshal(raw, &t) != nil {
		return WorkflowTask{}
	}
	return WorkflowTask{Name: t.Name, Reference: t.Reference, Type: t.Type, Template: t.Template}
}

// SecretExists reports whether the server knows a secret, without reading it.
func (c *Client) SecretExists(ctx context.Context, name string) (bool, error) {
	var exists *bool
	if err := c.ask(ctx, callSecretExists, request{argument: name}, &exists); err != nil {
		return false, err
	}
	if exists == nil { // null
		return false, garbled(callSecretExists)
	}
	return *exists, nil
}

// SecretNames lists the names of the secrets that the server knows; ok is false
// where it does not list them to this client. It reads no secret.
func (c *Client) SecretNames(ctx context.Context) (names []string, ok bool, err error) {
	err = c.ask(ctx, callSecretNames, request{}, &names)
	if hasStatus(err, http.StatusUnauthorized) || hasStatus(err, http.StatusForbidden) || hasStatus(err, http.StatusNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return names, true, nil
}

// QueueSize is how many tasks wait to be polled.
func (c *Client) QueueSize(ctx context.Context, taskType, domain string) (n int, err error) {
	query := url.Values{"taskType": {taskType}}
	if domain != "" {
		query.Set("domain", domain)
	}
	err = c.ask(ctx, callQueueSize, request{query: query}, &n)
	return n, err
}

// PollData gives the last poll of a task type in each domain.
func (c *Client) PollData(ctx context.Context, taskType string) (polls []model.PollData, err error) {
	err = c.ask(ctx, callPollData, request{query: url.Values{"taskType": {taskType}}}, &polls)
	return polls, err
}

// Version is the server's version, escaped and at most 64 bytes long.
func (c *Client) Version(ctx context.Context) (string, error) {
	body, err := c.do(ctx, callVersion, request{})
	if err != nil {
		return "", err
	}
	return printable.ASCII(strings.Trim(string(body), "\" \r\n"), 64), nil
}

// ask makes a call whose answer is JSON and decodes the answer into to.
func (c *Client) ask(ctx context.Context, call Call, r request, to any) error {
	body, err := c.do(ctx, call, r)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, to) != nil {
		return garbled(call)
	}
	return nil
}
