package conductor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"conductor-jwt/internal/retryafter"
	"conductor-jwt/internal/secret"
)

// Call is a call of the API, by the name that errors and metrics give it.
type Call string

// The calls of this package.
const (
	callPoll          Call = "poll"
	callUpdate        Call = "update"
	callGetTask       Call = "get task"
	callGetWorkflow   Call = "get workflow"
	callGetTaskDef    Call = "get taskdef"
	callCreateTaskDef Call = "create taskdef"
	callVersion       Call = "version"
	callToken         Call = "token"
	callWorkflowDefs  Call = "get workflowdefs"
	callSecretExists  Call = "secret exists"
	callSecretNames   Call = "secret names"
	callQueueSize     Call = "queue size"
	callPollData      Call = "poll data"
)

// Route gives the method and the path below the API's address, with at most one
// {argument} in it. The path of an unknown call is "other".
func (c Call) Route() (method, path string) {
	switch c {
	case callPoll:
		return http.MethodGet, "/tasks/poll/batch/{taskType}"
	case callUpdate:
		return http.MethodPost, "/tasks"
	case callGetTask:
		return http.MethodGet, "/tasks/{taskId}"
	case callGetWorkflow:
		return http.MethodGet, "/workflow/{workflowId}"
	case callGetTaskDef:
		return http.MethodGet, "/metadata/taskdefs/{name}"
	case callCreateTaskDef:
		return http.MethodPost, "/metadata/taskdefs"
	case callVersion:
		return http.MethodGet, "/version"
	case callToken:
		return http.MethodPost, "/token"
	case callWorkflowDefs:
		return http.MethodGet, "/metadata/workflow"
	case callSecretExists:
		return http.MethodGet, "/secrets/{name}/exists"
	case callSecretNames:
		return http.MethodGet, "/secrets"
	case callQueueSize:
		return http.MethodGet, "/tasks/queue/size"
	case callPollData:
		return http.MethodGet, "/tasks/queue/polldata"
	}
	return http.MethodGet, "other"
}

// request is what varies from one call to the next. Zero fields mean none, or
// the default.
type request struct {
	argument string // of the path
	query    url.Values
	body     []byte
	timeout  time.Duration // callTimeout
	limit    int64         // maxSmallAnswer; of the answer, in bytes after decompression
}

// maxSmallAnswer is the size limit of an answer that holds no tasks, no
// execution and no list of workflows.
const maxSmallAnswer = 1 << 20

// do makes one call and returns the body of a 2xx. After a 401, and after a 403
// that the age of the access token may explain, it repeats the call once with a
// new token.
func (c *Client) do(ctx context.Context, call Call, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.timeout, c.timeout))
	defer cancel()
	if c.tokens == nil {
		return c.send(ctx, call, r, secret.Text{})
	}
	token, err := c.tokens.get(ctx)
	if err != nil {
		return nil, err
	}
	body, err := c.send(ctx, call, r, token)
	expired := hasStatus(err, http.StatusUnauthorized) || hasStatus(err, http.StatusForbidden) && c.tokens.mayHaveExpired(token)
	if !expired {
		return body, err
	}
	c.tokens.drop(token)
	if token, err = c.tokens.get(ctx); err != nil {
		return nil, err
	}
	return c.send(ctx, call, r, token)
}

// send sends a request once, redirects apart, and observes it.
func (c *Client) send(ctx context.Context, call Call, r request, token secret.Text) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, newError(call, context.Cause(ctx))
	}
	gateway := *c.headers.current()
	out, err := c.newRequest(ctx, call, r, token, gateway)
	if err != nil {
		return nil, newError(call, err)
	}
	transport := c.transport.current()
	client := http.Client{Transport: transport, CheckRedirect: c.checkRedirect(call, gateway)}
	seen := Observation{Call: call}
	began := c.options.Now()
	answer, err := client.Do(out)
	seen.Duration = since(c.options.Now, began)
	if answer != nil { // a redirect that is not followed gives an error too
		defer closeBody(answer.Body)
		c.transport.answered()
		seen.Status = answer.StatusCode
		seen.Skew, seen.HasSkew = c.readSkew(answer)
	}
	if c.options.Observe != nil {
		c.options.Observe(seen)
	}
	if answer == nil {
		c.transport.failed(transport, err)
		return nil, c.transport.explain(newError(call, err))
	}
	if err != nil {
		return nil, newError(call, err)
	}
	body, err := c.read(ctx, call, answer, cmp.Or(r.limit, maxSmallAnswer))
	if errors.Is(err, context.DeadlineExceeded) {
		c.transport.failed(transport, err)
	}
	return body, err
}

func (c *Client) newRequest(ctx context.Context, call Call, r request, token secret.Text, gateway http.Header) (*http.Request, error) {
	method, path := call.Route()
	if before, after, ok := strings.Cut(path, "{"); ok {
		_, after, _ = strings.Cut(after, "}")
		path = before + url.PathEscape(r.argument) + after
	}
	address := c.options.BaseURL + path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	out, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(out.Header, gateway)
	out.Header["Accept"] = []string{"application/json"}
	out.Header["User-Agent"] = []string{c.options.UserAgent}
	if r.body != nil {
		out.Header["Content-Type"] = []string{"application/json"}
		// An empty list is not sent. It lets net/http repeat the request on
		// another connection where the server has just closed the one in use:
		// every POST of this package may be repeated.
		out.Header["Idempotency-Key"] = []string{}
	}
	if !token.IsZero() {
		out.Header["X-Authorization"] = []string{token.Reveal()}
	}
	return out, nil
}

// These are constant texts, so they may be printed.
var (
	errRedirect     = errors.New("redirected to another server; set the server's own address")
	errRedirectLoop = errors.New("redirected too often; set the server's own address")
)

const maxRedirects = 10

// checkRedirect follows a redirect that repeats the request as it was, on the
// configured server or from http to https on its host. A POST that becomes a GET
// would look acknowledged, and credentials are sent nowhere else. The headers of
// the gateway are those that the request was sent with: their file may have
// changed since.
func (c *Client) checkRedirect(call Call, gateway http.Header) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		sameServer := next.URL.Scheme == c.base.Scheme && strings.EqualFold(next.URL.Host, c.base.Host) // RFC 6454 §4
		upgrade := c.base.Scheme == "http" && next.URL.Scheme == "https" && strings.EqualFold(next.URL.Hostname(), c.base.Hostname())
		switch {
		case call == callToken, next.Method != via[0].Method:
			return http.ErrUseLastResponse
		case !sameServer && !upgrade:
			return &Error{Class: Garbled, Call: call, Cause: errRedirect}
		case len(via) >= maxRedirects:
			return &Error{Class: Garbled, Call: call, Cause: errRedirectLoop}
		}
		if !sameServer {
			for name := range gateway {
				next.Header.Del(name)
			}
		}
		return nil
	}
}

// read gives the body of a 2xx. Anything else is an *Error without a byte of the
// answer.
func (c *Client) read(ctx context.Context, call Call, answer *http.Response, limit int64) ([]byte, error) {
	if answer.StatusCode < 200 || answer.StatusCode >= 300 {
		_, _ = io.CopyN(io.Discard, answer.Body, maxErrorBody)
		return nil, &Error{
			Class: ClassOf(answer.StatusCode), Call: call, Status: answer.StatusCode,
			RetryAfter: retryafter.Read(answer.Header.Get("Retry-After"), c.options.Now()),
		}
	}
	if isPage(answer.Header.Get("Content-Type")) { // a proxy's login page is no acknowledgement
		return nil, &Error{Class: Garbled, Call: call, Status: answer.StatusCode}
	}
	if answer.ContentLength > limit {
		return nil, &Error{Class: TooLarge, Call: call}
	}
	body, err := c.reader.read(ctx, call, answer.Body, limit)
	if err != nil {
		return nil, newError(call, err)
	}
	return body, nil
}

// maxErrorBody is how many bytes of an error's body are read and discarded, so
// that the connection can be used again.
const maxErrorBody = 256

func (c *Client) readSkew(answer *http.Response) (time.Duration, bool) {
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	skew := date.Sub(c.options.Now().Truncate(time.Second))
	c.skew.Store(&skew)
	return skew, true
}

// isPage reports whether a media type is HTML or one of its kind.
func isPage(mediaType string) bool {
	if !strings.Contains(strings.ToLower(mediaType), "html") {
		return false
	}
	kind, _, _ := mime.ParseMediaType(mediaType)
	return strings.HasSuffix(kind, "html")
}

func closeBody(body io.Closer) { _ = body.Close() } // an error on the way loses nothing
