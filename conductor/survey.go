package conductor

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"conductor-jwt/conductor/api"
)

// WorkflowTask is a task of a workflow definition.
type WorkflowTask struct {
	Workflow  string // the definition's name
	Version   int    // the definition's version
	Name      string // the task definition's name
	Reference string // taskReferenceName
	Type      string
	// Template is inputParameters, expressions unresolved.
	Template jsontext.Value
}

// Queue is the queue in which the task waits: a SIMPLE task is queued under its
// name, any other under its type.
func (t WorkflowTask) Queue() string {
	if t.Type == "SIMPLE" {
		return t.Name
	}
	return t.Type
}

// looksLikeJWT reports whether a queue has the name of Conductor's
// GET_SIGNED_JWT, but for its case, its separators and a suffix, such as the
// one that the server's editor adds.
func looksLikeJWT(queue string) bool {
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-. ", r) {
			return -1
		}
		return r
	}, strings.ToLower(queue))
	return strings.HasPrefix(letters, "getsignedjwt")
}

// WorkflowTasks gives the tasks of every workflow definition in every version
// that are queued under one of the given types, and those that look like a
// GET_SIGNED_JWT and are queued elsewhere. Those within branches and loops are
// included.
func (c *Client) WorkflowTasks(ctx context.Context, types ...string) ([]WorkflowTask, error) {
	body, err := c.do(ctx, callWorkflowDefs, c.options.Timeout, request{})
	if err != nil {
		return nil, err
	}
	var defs []struct {
		Name    string         `json:"name"`
		Version int            `json:"version"`
		Tasks   jsontext.Value `json:"tasks"`
	}
	if err := json.Unmarshal(body, &defs, lenient()); err != nil {
		return nil, garbled(callWorkflowDefs)
	}
	var found []WorkflowTask
	for _, def := range defs {
		for _, t := range tasksWithin(def.Tasks, types, 0) {
			t.Workflow, t.Version = def.Name, def.Version
			found = append(found, t)
		}
	}
	return found, nil
}

// maxWorkflowLevels is how deep tasks may lie in branches of branches.
const maxWorkflowLevels = 200

// tasksWithin finds tasks wherever they lie: each operator keeps its branches
// under a name of its own, and there will be more of them.
func tasksWithin(raw jsontext.Value, types []string, level int) []WorkflowTask {
	if level > maxWorkflowLevels {
		return nil
	}
	var parts []jsontext.Value
	switch raw.Kind() {
	case jsontext.KindBeginArray:
		if json.Unmarshal(raw, &parts, lenient()) != nil {
			return nil
		}
	case jsontext.KindBeginObject:
		var members map[string]jsontext.Value
		if json.Unmarshal(raw, &members, lenient()) != nil {
			return nil
		}
		if t, ok := workflowTask(raw, types); ok {
			return []WorkflowTask{t}
		}
		// What a task is given is data, and may look like a task.
		delete(members, "inputParameters")
		for _, m := range members {
			parts = append(parts, m)
		}
	}
	var found []WorkflowTask
	for _, p := range parts {
		found = append(found, tasksWithin(p, types, level+1)...)
	}
	slices.SortStableFunc(found, func(a, b WorkflowTask) int { return strings.Compare(a.Reference, b.Reference) })
	return found
}

func workflowTask(raw jsontext.Value, types []string) (WorkflowTask, bool) {
	var t struct {
		Name      string         `json:"name"`
		Reference string         `json:"taskReferenceName"`
		Type      string         `json:"type"`
		Template  jsontext.Value `json:"inputParameters"`
	}
	if json.Unmarshal(raw, &t, lenient()) != nil {
		return WorkflowTask{}, false
	}
	found := WorkflowTask{Name: t.Name, Reference: t.Reference, Type: t.Type, Template: t.Template}
	queue := found.Queue()
	return found, slices.Contains(types, queue) || looksLikeJWT(queue)
}

// StoredTaskDef is a task definition as the server has it; false where there
// is none.
func (c *Client) StoredTaskDef(ctx context.Context, name string) (api.TaskDef, bool, error) {
	body, exists, err := c.rawTaskDef(ctx, name)
	if !exists {
		return api.TaskDef{}, false, err
	}
	var def api.TaskDef
	if json.Unmarshal(body, &def, lenient()) != nil {
		return api.TaskDef{}, false, garbled(callGetTaskDef)
	}
	return def, true, nil
}

// SecretExists reports whether the server knows a secret, without reading it.
func (c *Client) SecretExists(ctx context.Context, name string) (bool, error) {
	body, err := c.do(ctx, callSecretExists, c.options.Timeout, request{arg: name})
	if err != nil {
		return false, err
	}
	switch strings.TrimSpace(string(body)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, garbled(callSecretExists)
	}
}

// SecretNames lists the secrets that the server knows, by their names; ok is
// false where it does not list them to this client. It reads none of them.
func (c *Client) SecretNames(ctx context.Context) (names []string, ok bool, err error) {
	body, err := c.do(ctx, callSecretNames, c.options.Timeout, request{})
	if hasStatus(err, http.StatusUnauthorized) || hasStatus(err, http.StatusForbidden) || hasStatus(err, http.StatusNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if json.Unmarshal(body, &names, lenient()) != nil {
		return nil, false, garbled(callSecretNames)
	}
	return names, true, nil
}

// QueueSize is how many tasks wait to be polled.
func (c *Client) QueueSize(ctx context.Context, taskType, domain string) (int, error) {
	body, err := c.do(ctx, callQueueSize, c.options.Timeout, request{query: queueOf(taskType, domain)})
	if err != nil {
		return 0, err
	}
	var n int
	if json.Unmarshal(body, &n) != nil {
		return 0, garbled(callQueueSize)
	}
	return n, nil
}

// Poller is the last worker that polled a queue.
type Poller struct {
	Domain   string
	WorkerID string
	Last     time.Time
}

// Pollers gives for each domain of a task type who polled it last.
func (c *Client) Pollers(ctx context.Context, taskType string) ([]Poller, error) {
	body, err := c.do(ctx, callPollData, c.options.Timeout, request{query: queueOf(taskType, "")})
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Domain       string `json:"domain"`
		WorkerID     string `json:"workerId"`
		LastPollTime int64  `json:"lastPollTime"` // milliseconds
	}
	if json.Unmarshal(body, &rows, lenient()) != nil {
		return nil, garbled(callPollData)
	}
	var pollers []Poller
	for _, r := range rows {
		pollers = append(pollers, Poller{Domain: r.Domain, WorkerID: r.WorkerID, Last: time.UnixMilli(r.LastPollTime)})
	}
	return pollers, nil
}

func queueOf(taskType, domain string) url.Values {
	q := url.Values{"taskType": {taskType}}
	if domain != "" {
		q.Set("domain", domain)
	}
	return q
}

func lenient() json.Options {
	return json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}
