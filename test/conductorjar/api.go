package conductorjar

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/client"
	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/conductor-sdk/conductor-go/sdk/settings"
)

// API is a client of the server. It registers definitions and starts and reads
// workflows through conductor-go's clients, as a user's program does.
type API struct {
	URL string // without /api and without a slash at the end

	api       *client.APIClient
	metadata  client.MetadataClient
	workflows client.WorkflowClient
	pages     *http.Client // for URLs outside the API and bodies other than JSON
}

// NewAPI returns a client of the server at a URL such as http://127.0.0.1:8080.
func NewAPI(base string) *API {
	api := client.NewAPIClientFromSettings(&settings.ClientSettings{
		HTTP: &settings.HttpSettings{BaseUrl: base + "/api", Timeout: time.Minute},
	})
	return &API{
		URL: base, api: api, metadata: client.NewMetadataClient(api), workflows: client.NewWorkflowClient(api),
		pages: &http.Client{
			Timeout: time.Minute,
			// The server closes idle connections after 40 s and more.
			Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second},
		},
	}
}

// Close closes idle connections.
func (a *API) Close() { a.pages.CloseIdleConnections() }

// Workflow is an execution.
type Workflow struct {
	ID     string          `json:"workflowId"`
	Status string          `json:"status"`
	Reason string          `json:"reasonForIncompletion"`
	Output json.RawMessage `json:"output"`
	Tasks  []Task          `json:"tasks"`

	Raw json.RawMessage `json:"-"` // the complete JSON
}

// Task is one attempt at a task of an execution.
type Task struct {
	ID         string          `json:"taskId"`
	Type       string          `json:"taskType"`
	Name       string          `json:"taskDefName"`
	Ref        string          `json:"referenceTaskName"`
	Status     string          `json:"status"`
	Reason     string          `json:"reasonForIncompletion"`
	RetryCount int             `json:"retryCount"`
	PollCount  int             `json:"pollCount"`
	Input      json.RawMessage `json:"inputData"`
	Output     json.RawMessage `json:"outputData"`
}

// Ended reports whether an execution has ended.
func (w Workflow) Ended() bool { return w.Status != "RUNNING" && w.Status != "PAUSED" }

// Last returns the last attempt at a task; ok is false if there is none.
func (w Workflow) Last(ref string) (task Task, ok bool) {
	for _, t := range w.Tasks {
		if t.Ref == ref && (!ok || t.RetryCount >= task.RetryCount) {
			task, ok = t, true
		}
	}
	return task, ok
}

// Definition reads a workflow definition, to start it without registering it.
// The digits of its numbers are kept.
func Definition(raw json.RawMessage) (*model.WorkflowDef, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var def model.WorkflowDef
	if err := decoder.Decode(&def); err != nil {
		return nil, fmt.Errorf("workflow definition: %w", err)
	}
	return &def, nil
}

// RegisterWorkflow stores a workflow definition and replaces one of the same name
// and version. It takes JSON because conductor-go's models leave out members that
// are 0, such as a task's retryCount, and runtimeMetadata.
func (a *API) RegisterWorkflow(ctx context.Context, definition json.RawMessage) error {
	var result struct {
		Errors map[string]string `json:"bulkErrorResults"` // in a response with status 200
	}
	if _, err := a.api.Put(ctx, "/metadata/workflow", []json.RawMessage{definition}, &result); err != nil { //nolint:bodyclose // closed by conductor-go
		return callError("register workflow", err)
	}
	for name, reason := range result.Errors {
		return fmt.Errorf("register workflow %s: %s", name, reason)
	}
	return nil
}

// RegisterTaskDef stores a task definition and replaces one of the same name.
func (a *API) RegisterTaskDef(ctx context.Context, definition json.RawMessage) error {
	_, err := a.api.Post(ctx, "/metadata/taskdefs", []json.RawMessage{definition}, nil) //nolint:bodyclose // closed by conductor-go
	return callError("register task definition", err)
}

// TaskDef returns a stored task definition.
func (a *API) TaskDef(ctx context.Context, name string) (json.RawMessage, error) {
	var raw json.RawMessage
	_, err := a.api.Get(ctx, "/metadata/taskdefs/"+url.PathEscape(name), nil, &raw) //nolint:bodyclose // closed by conductor-go
	return raw, callError("get task definition", err)
}

// DeleteTaskDef removes a task definition.
func (a *API) DeleteTaskDef(ctx context.Context, name string) error {
	_, err := a.metadata.UnregisterTaskDef(ctx, url.PathEscape(name)) //nolint:bodyclose // closed by conductor-go
	return callError("delete task definition", err)
}

// StartWorkflow starts an execution and returns its ID.
func (a *API) StartWorkflow(ctx context.Context, r model.StartWorkflowRequest) (string, error) {
	id, _, err := a.workflows.StartWorkflowWithRequest(ctx, r) //nolint:bodyclose // closed by conductor-go
	return id, callError("start workflow", err)
}

// Workflow returns an execution with its tasks. It decodes JSON because
// conductor-go's model loses digits of numbers.
func (a *API) Workflow(ctx context.Context, id string) (Workflow, error) {
	var w Workflow
	_, err := a.api.Get(ctx, "/workflow/"+url.PathEscape(id), url.Values{"includeTasks": {"true"}}, &w.Raw) //nolint:bodyclose // closed by conductor-go
	if err != nil {
		return w, callError("get workflow", err)
	}
	if err := json.Unmarshal(w.Raw, &w); err != nil {
		return w, fmt.Errorf("get workflow: %w", err)
	}
	return w, nil
}

// Decide makes the server evaluate an execution.
func (a *API) Decide(ctx context.Context, id string) error {
	_, err := a.workflows.Decide(ctx, url.PathEscape(id)) //nolint:bodyclose // closed by conductor-go
	return callError("decide workflow", err)
}

// AwaitWorkflow waits until an execution has ended.
func (a *API) AwaitWorkflow(ctx context.Context, id string) (Workflow, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		w, err := a.Workflow(ctx, id)
		if err == nil && w.Ended() {
			return w, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err == nil {
				err = ctx.Err()
			}
			return w, fmt.Errorf("workflow %s has not ended, its status is %q: %w", id, w.Status, err)
		}
	}
}

// callError adds the call, the status and the beginning of the response body to
// an error of conductor-go; nil stays nil.
func callError(call string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[client.GenericSwaggerError](err); ok {
		return statusError(call, e.StatusCode(), e.Body())
	}
	return fmt.Errorf("%s: %w", call, err)
}

func statusError(call string, status int, body []byte) error {
	return fmt.Errorf("%s: http status %d: %s", call, status, body[:min(len(body), 512)])
}

// Get returns the response to a GET request.
func (a *API) Get(ctx context.Context, path string) ([]byte, error) {
	return a.page(ctx, http.MethodGet, path, nil)
}

// Post sends JSON and returns the response.
func (a *API) Post(ctx context.Context, path string, body json.RawMessage) ([]byte, error) {
	return a.page(ctx, http.MethodPost, path, body)
}

func (a *API) page(ctx context.Context, method, path string, body json.RawMessage) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.pages.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, statusError(method+" "+path, response.StatusCode, data)
	}
	return data, nil
}
