package conductor

import (
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"net/url"
	"strconv"
	"time"

	"conductor-jwt/conductor/api"
)

// Query is one poll of one queue.
type Query struct {
	TaskType string
	Domain   string
	WorkerID string
	Count    int           // max tasks; a server may send more
	Timeout  time.Duration // how long the server may wait; it answers 400 to more than 5 s
}

// Poll takes up to q.Count tasks; the server may send more. A task that cannot be
// read is returned as Malformed. When ctx ends, the tasks that the server leases
// to this poll are lost.
func (c *Client) Poll(ctx context.Context, q Query) ([]api.Task, error) {
	query := url.Values{
		"count":   {strconv.Itoa(q.Count)},
		"timeout": {strconv.FormatInt(q.Timeout.Milliseconds(), 10)},
	}
	if q.WorkerID != "" {
		query.Set("workerid", q.WorkerID)
	}
	if q.Domain != "" {
		query.Set("domain", q.Domain)
	}
	body, err := c.do(ctx, callPoll, request{argument: q.TaskType, query: query, timeout: q.Timeout + PollMargin, limit: MaxAnswer})
	if err != nil {
		return nil, err
	}
	tasks, err := api.DecodeTasks(body)
	if err != nil {
		return nil, garbled(callPoll)
	}
	return tasks, nil
}

// Update reports the end of a task. Only a 2xx is a nil error; it does not say
// that the result counted: a late one is acknowledged and ignored.
func (c *Client) Update(ctx context.Context, r api.Result) error {
	body, err := api.EncodeResult(r)
	if err != nil {
		return &Error{Class: Rejected, Call: callUpdate, Cause: err}
	}
	_, err = c.do(ctx, callUpdate, request{body: body})
	return err
}

// StoredTask is the task as the server keeps it, secrets unresolved.
func (c *Client) StoredTask(ctx context.Context, id string) (api.Task, error) {
	body, err := c.do(ctx, callGetTask, request{argument: id, limit: MaxAnswer})
	if err != nil {
		return api.Task{}, err
	}
	t, err := api.DecodeTask(body)
	if err != nil {
		return api.Task{}, garbled(callGetTask)
	}
	return t, nil
}

// maxWorkflow is the size limit of an execution, in bytes: by default the server
// keeps 5 MiB of its input and of its output.
const maxWorkflow = 16 << 20

// StoredWorkflow is the JSON object of an execution as the server keeps it,
// with the definition that it runs and without its tasks.
func (c *Client) StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error) {
	body, err := c.do(ctx, callGetWorkflow, request{argument: id, query: url.Values{"includeTasks": {"false"}}, limit: maxWorkflow})
	if err != nil {
		return nil, err
	}
	raw := json.RawMessage(body)
	if raw.Kind() != jsontext.KindBeginObject || !json.Valid(raw) {
		return nil, garbled(callGetWorkflow)
	}
	return raw, nil
}
