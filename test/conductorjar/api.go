package conductorjar

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// API is the part of Conductor's HTTP interface that starts and looks at
// workflows. The worker's own client has none of it.
type API struct {
	URL string // without /api and without a slash at the end

	http *http.Client
}

// NewAPI talks to the server at a URL such as http://127.0.0.1:8080.
func NewAPI(base string) *API {
	return &API{URL: base, http: &http.Client{
		Timeout: 60 * time.Second,
		// The server closes idle connections after 40 s and more.
		Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second},
	}}
}

// Close drops idle connections.
func (a *API) Close() { a.http.CloseIdleConnections() }

// StatusError is an answer other than 2xx.
type StatusError struct {
	Call   string
	Status int
	Body   string // the server's own words, cut
}

// Error implements the error interface.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: http status %d: %s", e.Call, e.Status, e.Body)
}

// Workflow is an execution as the server shows it.
type Workflow struct {
	ID     string          `json:"workflowId"`
	Status string          `json:"status"`
	Reason string          `json:"reasonForIncompletion"`
	Output json.RawMessage `json:"output"`
	Tasks  []Task          `json:"tasks"`

	Raw json.RawMessage `json:"-"` // all of it
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

// Ended says that an execution will not go on by itself.
func (w Workflow) Ended() bool { return w.Status != "RUNNING" && w.Status != "PAUSED" }

// Last is the latest attempt at a task; ok is false where none was made.
func (w Workflow) Last(ref string) (task Task, ok bool) {
	for _, t := range w.Tasks {
		if t.Ref == ref && (!ok || t.RetryCount >= task.RetryCount) {
			task, ok = t, true
		}
	}
	return task, ok
}

// RegisterWorkflow stores a workflow definition, over one of the same name and
// version.
func (a *API) RegisterWorkflow(ctx context.Context, definition json.RawMessage) error {
	var done struct {
		Errors map[string]string `json:"bulkErrorResults"` // of a 200
	}
	var answer text
	if err := a.call(ctx, http.MethodPut, "/api/metadata/workflow", list(definition), &answer); err != nil {
		return err
	}
	if answer == "" {
		return nil // an old server says nothing
	}
	if err := json.Unmarshal([]byte(answer), &done); err != nil {
		return fmt.Errorf("register workflow: %w", err)
	}
	for name, reason := range done.Errors {
		return fmt.Errorf("register workflow %s: %s", name, reason)
	}
	return nil
}

// RegisterTaskDef stores a task definition, over one of the same name.
func (a *API) RegisterTaskDef(ctx context.Context, definition json.RawMessage) error {
	return a.call(ctx, http.MethodPost, "/api/metadata/taskdefs", list(definition), nil)
}

func list(one json.RawMessage) json.RawMessage {
	return append(append(json.RawMessage{'['}, one...), ']')
}

// TaskDef is a task definition as it is stored.
func (a *API) TaskDef(ctx context.Context, name string) (json.RawMessage, error) {
	var raw json.RawMessage
	err := a.call(ctx, http.MethodGet, "/api/metadata/taskdefs/"+url.PathEscape(name), nil, &raw)
	return raw, err
}

// DeleteTaskDef removes a task definition.
func (a *API) DeleteTaskDef(ctx context.Context, name string) error {
	return a.call(ctx, http.MethodDelete, "/api/metadata/taskdefs/"+url.PathEscape(name), nil, nil)
}

// StartRequest starts an execution.
type StartRequest struct {
	Name          string            `json:"name"`
	Version       int               `json:"version,omitempty"`
	CorrelationID string            `json:"correlationId,omitempty"`
	Input         any               `json:"input"`                  // an object; the server refuses null
	Domains       map[string]string `json:"taskToDomain,omitempty"` // task type to domain
	Definition    json.RawMessage   `json:"workflowDef,omitempty"`  // for one that is not registered
}

// StartWorkflow starts an execution and gives its id.
func (a *API) StartWorkflow(ctx context.Context, r StartRequest) (string, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("start workflow: %w", err)
	}
	var id text
	err = a.call(ctx, http.MethodPost, "/api/workflow", body, &id)
	return string(id), err
}

// Workflow is an execution with its tasks.
func (a *API) Workflow(ctx context.Context, id string) (Workflow, error) {
	var w Workflow
	if err := a.call(ctx, http.MethodGet, "/api/workflow/"+url.PathEscape(id)+"?includeTasks=true", nil, &w.Raw); err != nil {
		return w, err
	}
	if err := json.Unmarshal(w.Raw, &w); err != nil {
		return w, fmt.Errorf("get workflow: %w", err)
	}
	return w, nil
}

// Decide has the server look at an execution now: for timeouts, and for what
// comes next.
func (a *API) Decide(ctx context.Context, id string) error {
	return a.call(ctx, http.MethodPut, "/api/workflow/decide/"+url.PathEscape(id), nil, nil)
}

// AwaitWorkflow waits for the end of an execution.
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

// Get fetches any other page, as bytes.
func (a *API) Get(ctx context.Context, path string) ([]byte, error) {
	var page text
	err := a.call(ctx, http.MethodGet, path, nil, &page)
	return []byte(page), err
}

// Post sends JSON to any other page and gives the answer, as bytes.
func (a *API) Post(ctx context.Context, path string, body json.RawMessage) ([]byte, error) {
	var page text
	err := a.call(ctx, http.MethodPost, path, body, &page)
	return []byte(page), err
}

// text is an answer that is not JSON.
type text string

// call makes one request; into is nil, a *text, or what JSON is decoded into.
func (a *API) call(ctx context.Context, method, path string, body json.RawMessage, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, a.URL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := a.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if answer.StatusCode/100 != 2 {
		return &StatusError{Call: method + " " + path, Status: answer.StatusCode, Body: string(data[:min(len(data), 512)])}
	}
	switch into := into.(type) {
	case nil:
	case *text:
		*into = text(data)
	default:
		if err := json.Unmarshal(data, into); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return nil
}
