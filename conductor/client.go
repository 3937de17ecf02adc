// Package conductor is the Conductor server as this project needs it: poll,
// update, the stored task and task definitions, over conductor-go's client.
package conductor

import (
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/secret"
)

// Client is a Conductor server. It is safe for concurrent use. Every error of
// its methods is an [*Error].
type Client struct {
	options Options
	api     *sdk
	direct  *direct
	inner   *transport
	trip    *roundTripper
	skew    atomic.Pointer[time.Duration]
}

// New makes a client; it does not speak to the server. Its errors are of
// [ErrURL], [ErrProxy], [ErrTLS], [ErrHeaders] and [ErrAuth].
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	base, err := NormalizeURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	o.BaseURL = base
	if (o.KeyID == "") != o.Secret.IsZero() {
		return nil, fmt.Errorf("%w: a key id and a secret go together; set both or none", ErrAuth)
	}
	inner, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	extra, err := newHeaders(o)
	if err != nil {
		return nil, err
	}
	host, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("%w: not a url", ErrURL)
	}
	c := &Client{options: o, inner: inner}
	c.trip = &roundTripper{options: o, base: host, inner: inner, headers: extra, reader: newReader(), skew: func(d time.Duration) { c.skew.Store(&d) }}
	if o.KeyID != "" {
		c.trip.tokens = &tokens{fetch: c.fetchToken, timeout: o.Timeout, now: o.Now}
	}
	c.api = newSDK(base, c.trip)
	c.direct = newDirect(base, c.trip)
	return c, nil
}

// BaseURL is the address of the API.
func (c *Client) BaseURL() string { return c.options.BaseURL }

// Close drops the idle connections. The client may still be used.
func (c *Client) Close() { c.inner.closeIdle() }

// Skew is the server's clock minus ours by its latest Date header, true to a
// second; ok is false before the first answer.
func (c *Client) Skew() (skew time.Duration, ok bool) {
	if d := c.skew.Load(); d != nil {
		return *d, true
	}
	return 0, false
}

// Query is one poll of one queue.
type Query struct {
	TaskType string
	Domain   string
	WorkerID string
	Count    int           // at most so many tasks; a server may send more
	Timeout  time.Duration // how long the server may wait; it takes 5 s at most
}

// Poll takes up to q.Count tasks; the server may send more. One that cannot be
// read comes as Malformed, if its ids can be; if they cannot, it is left out
// and observed as Unnamed. A context that ends loses what the server leases.
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
	body, err := c.do(ctx, callPoll, q.Timeout+PollMargin, request{arg: q.TaskType, query: query})
	if err != nil {
		return nil, err
	}
	tasks, unnamed, err := api.DecodeTasks(body)
	if err != nil {
		return nil, garbled(callPoll)
	}
	if unnamed > 0 {
		c.options.Observe(Observation{
			Call: string(callPoll), Method: callPoll.method(), Path: callPoll.template(), Unnamed: unnamed,
		})
	}
	return tasks, nil
}

// Update reports the end of a task. Nil is the server's 2xx and nothing less;
// it does not say that the result counted (one that is late does not).
func (c *Client) Update(ctx context.Context, r api.Result) error {
	body, err := api.EncodeResult(r)
	if err != nil {
		return &Error{Class: Rejected, Call: string(callUpdate), Cause: err}
	}
	_, err = c.do(ctx, callUpdate, c.options.Timeout, request{body: body})
	return err
}

// StoredTask is the task as the server keeps it, secrets unresolved.
func (c *Client) StoredTask(ctx context.Context, id string) (api.Task, error) {
	body, err := c.do(ctx, callGetTask, c.options.Timeout, request{arg: id})
	if err != nil {
		return api.Task{}, err
	}
	t, err := api.DecodeTask(body)
	if err != nil {
		return api.Task{}, garbled(callGetTask)
	}
	return t, nil
}

// StoredWorkflow is the JSON object of an execution as the server keeps it,
// with the definition that it runs and without its tasks.
func (c *Client) StoredWorkflow(ctx context.Context, id string) (json.RawMessage, error) {
	body, err := c.do(ctx, callGetWorkflow, c.options.Timeout, request{arg: id, query: url.Values{"includeTasks": {"false"}}})
	if err != nil {
		return nil, err
	}
	raw := json.RawMessage(body)
	if len(raw) == 0 || raw.Kind() != jsontext.KindBeginObject || !json.Valid(raw) {
		return nil, garbled(callGetWorkflow)
	}
	return raw, nil
}

// TaskDef reports whether a task definition is registered.
func (c *Client) TaskDef(ctx context.Context, name string) (bool, error) {
	_, exists, err := c.rawTaskDef(ctx, name)
	return exists, err
}

func (c *Client) rawTaskDef(ctx context.Context, name string) (body []byte, exists bool, err error) {
	body, err = c.do(ctx, callGetTaskDef, c.options.Timeout, request{arg: name})
	if hasStatus(err, http.StatusNotFound) {
		return nil, false, nil
	}
	return body, err == nil, err
}

// CreateTaskDef registers a task definition. It overwrites what is there,
// fields that it does not name included: ask [Client.TaskDef] first.
func (c *Client) CreateTaskDef(ctx context.Context, def api.TaskDef) error {
	body, err := json.Marshal([]api.TaskDef{def})
	if err != nil {
		return &Error{Class: Rejected, Call: string(callCreateTaskDef)}
	}
	_, err = c.do(ctx, callCreateTaskDef, c.options.Timeout, request{body: body})
	return err
}

// Version is the server's version, escaped and at most 64 bytes.
func (c *Client) Version(ctx context.Context) (string, error) {
	body, err := c.do(ctx, callVersion, c.options.Timeout, request{})
	if err != nil {
		return "", err
	}
	return printable.ASCII(strings.Trim(string(body), "\" \r\n"), 64), nil
}

// request is what varies in a call.
type request struct {
	arg   string // of the path
	query url.Values
	body  []byte
}

// do does one call within a time.
func (c *Client) do(ctx context.Context, what call, within time.Duration, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(withCall(ctx, what), within)
	defer cancel()
	ctx, answer := withReceived(ctx)
	if err := c.send(ctx, what, r); err != nil {
		return nil, classify(what, err)
	}
	return answer.body, nil
}

// send takes the short way for what each task needs, and the SDK's for all else.
func (c *Client) send(ctx context.Context, what call, r request) error {
	if what == callPoll || what == callUpdate {
		return c.direct.send(ctx, what, r)
	}
	return c.api.send(ctx, what.method(), what.path(r.arg), r.query, r.body)
}

// fetchToken asks for an access token, below the SDK and without a token.
func (c *Client) fetchToken(ctx context.Context) (secret.Text, error) {
	credentials, err := json.Marshal(map[string]string{
		"keyId": c.options.KeyID, "keySecret": c.options.Secret.Reveal(),
	})
	if err != nil {
		return secret.Text{}, &Error{Class: Unauthorized, Call: string(callToken)}
	}
	ctx, granted := withReceived(withCall(ctx, callToken)) // not the caller's
	r, err := http.NewRequestWithContext(ctx, callToken.method(),
		c.options.BaseURL+callToken.path(""), strings.NewReader(string(credentials)))
	if err != nil {
		return secret.Text{}, &Error{Class: Unauthorized, Call: string(callToken)}
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.trip.attempt(r, r.Body, secret.Text{})
	if err != nil {
		return secret.Text{}, refusedToken(err)
	}
	defer closeBody(answer.Body)
	if answer.StatusCode >= 300 { // credentials are sent to where they were meant for
		return secret.Text{}, garbled(callToken)
	}
	var grant struct {
		Token secret.Text `json:"token"`
	}
	if json.Unmarshal(granted.body, &grant) != nil || grant.Token.IsZero() || !headerSafe(grant.Token.Reveal()) {
		return secret.Text{}, garbled(callToken)
	}
	return grant.Token, nil
}

// refusedToken makes every 4xx of POST /token a lack of authorization, the 404
// of a server without authentication included: nothing is sent without it.
func refusedToken(err error) error {
	e, ok := err.(*Error) //nolint:errorlint // attempt's own, never wrapped
	if !ok || e.Class != Forbidden && e.Class != NotFound && e.Class != Rejected {
		return err
	}
	refused := *e
	refused.Class = Unauthorized
	return &refused
}

// headerSafe reports whether a token can stand in a header: net/http's error
// for one that cannot is not ours to trust with it.
func headerSafe(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

func garbled(what call) error { return &Error{Class: Garbled, Call: string(what)} }
