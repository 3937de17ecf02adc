package conductor_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductortest"
)

const (
	queue  = "GET_SIGNED_JWT"
	canary = "hidden-value-of-the-input"
)

type observed struct {
	mu  sync.Mutex
	all []conductor.Observation
}

func (o *observed) add(x conductor.Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, x)
}

func (o *observed) statuses(call conductor.Call) []int {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []int
	for _, x := range o.all {
		if x.Call == call {
			out = append(out, x.Status)
		}
	}
	return out
}

// newClient makes a client. Options that o leaves empty have values for tests.
func newClient(o conductor.Options) (*conductor.Client, error) {
	o.Connections = cmp.Or(o.Connections, 100)
	o.UserAgent = cmp.Or(o.UserAgent, "test/1")
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return conductor.New(o)
}

func connect(t *testing.T, o conductor.Options) *conductor.Client {
	t.Helper()
	c, err := newClient(o)
	if err != nil {
		t.Fatalf("new client: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

func start(t *testing.T, faults conductortest.Faults) (*conductortest.Server, *conductor.Client, *observed) {
	t.Helper()
	s := conductortest.Serve(t, conductortest.NewLedger(conductortest.Options{}), faults)
	seen := &observed{}
	return s, connect(t, conductor.Options{BaseURL: s.URL, UserAgent: "test/1", Observe: seen.add}), seen
}

func enqueue(s *conductortest.Server, n int) {
	for range n {
		s.Ledger.Enqueue(conductortest.TaskSpec{
			Type: queue, Name: "n", Input: json.RawMessage(`{"privateKey":"` + canary + `"}`),
			Definition: &conductortest.Definition{ResponseTimeout: 30 * time.Second},
		})
	}
}

func poll(c *conductor.Client, count int) ([]api.Task, error) {
	return c.Poll(context.Background(), conductor.Query{TaskType: queue, WorkerID: "w1", Count: count})
}

func complete(c *conductor.Client, task api.Task) error {
	return c.Update(context.Background(), api.Result{
		TaskID: task.ID, WorkflowID: task.WorkflowID, WorkerID: "w1", Status: "COMPLETED",
		Output: secret.NewJSON(json.RawMessage(`{"token":"` + canary + `"}`)),
	})
}

func failure(t *testing.T, err error) *conductor.Error {
	t.Helper()
	var e *conductor.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v, want a *conductor.Error", err)
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("the error repeats what the server wrote: %v", err)
	}
	return e
}

func TestPollAndUpdate(t *testing.T) {
	s, c, seen := start(t, nil)
	s.Ledger.SetSecret("s", "S")
	id := s.Ledger.Enqueue(conductortest.TaskSpec{
		Type: queue, Name: "n", WorkflowID: "w", WorkflowType: "wt",
		Input:    json.RawMessage(`{"b":12345678901234567890,"a":"\ud800 <&>","c":1.50,"c":2}`),
		Template: json.RawMessage(`{"b":"${workflow.input.b}"}`),
		Definition: &conductortest.Definition{
			ResponseTimeout: 30 * time.Second, RuntimeMetadata: []string{"s", "none"},
			InputTemplate: json.RawMessage(`[1]`),
		},
	})
	tasks, err := poll(c, 5)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("polled %d tasks, %v", len(tasks), err)
	}
	got := tasks[0]
	if got.ID != id || got.Type != queue || got.Name != "n" || got.WorkflowID != "w" || got.WorkflowType != "wt" ||
		got.ResponseTimeout != 30*time.Second || got.Scheduled.IsZero() || got.External || got.Malformed {
		t.Errorf("task is %+v", got)
	}
	if in := string(got.Input.Reveal()); in != `{"b":12345678901234567890,"a":"\ud800 <&>","c":1.50,"c":2}` {
		t.Errorf("input is %s", in)
	}
	if string(got.Template) != `{"b":"${workflow.input.b}"}` || string(got.Defaults) != `[1]` {
		t.Errorf("template %s, defaults %s", got.Template, got.Defaults)
	}
	if len(got.RuntimeMetadata) != 1 || got.RuntimeMetadata["s"].Reveal() != "S" {
		t.Errorf("runtime metadata are %v", got.RuntimeMetadata)
	}
	at := time.UnixMilli(1795355503775)
	err = c.Update(t.Context(), api.Result{
		TaskID: got.ID, WorkflowID: "w", WorkerID: "w1", Status: "FAILED", Reason: "r<>",
		Output:        secret.NewJSON(json.RawMessage(`{"n":12345678901234567890,"t":"<"}`)),
		CallbackAfter: 1500 * time.Millisecond, Logs: []api.Log{{Text: "line", At: at}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := s.Ledger.Updates()[0].Result
	if r.TaskID != id || r.WorkflowID != "w" || r.WorkerID != "w1" || r.Status != "FAILED" || r.Reason != "r<>" ||
		r.CallbackAfter != 2*time.Second || len(r.Logs) != 1 || r.Logs[0].Text != "line" || !r.Logs[0].At.Equal(at) ||
		string(r.Output.Reveal()) != `{"n":12345678901234567890,"t":"<"}` {
		t.Errorf("the server read %+v with output %s", r, r.Output.Reveal())
	}
	if !slices.Equal(seen.statuses("poll"), []int{200}) || !slices.Equal(seen.statuses("update"), []int{200}) {
		t.Errorf("observed %+v", seen.all)
	}
	if skew, ok := c.Skew(); !ok || skew.Abs() > 2*time.Second {
		t.Errorf("skew is %s, %v", skew, ok)
	}
}

func TestHeadersAreSentOnce(t *testing.T) {
	s, c, _ := start(t, nil)
	enqueue(s, 1)
	tasks, err := poll(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := complete(c, tasks[0]); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests() {
		for _, name := range []string{"Content-Type", "Accept", "User-Agent"} {
			if len(r.Header[name]) > 1 {
				t.Errorf("%s %s sends %s %d times", r.Method, r.Path, name, len(r.Header[name]))
			}
		}
		if r.Header.Get("User-Agent") != "test/1" || r.Token || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s %s has headers %v", r.Method, r.Path, r.Header)
		}
	}
	if q := s.Requests()[0].Query; q != "count=1&timeout=0&workerid=w1" {
		t.Errorf("the query is %s", q)
	}
}

func TestDefinitionsAndStoredTasks(t *testing.T) {
	s, c, _ := start(t, nil)
	ctx := t.Context()
	if _, found, err := c.TaskDef(ctx, "get_signed_jwt"); found || err != nil {
		t.Errorf("before: %v, %v", found, err)
	}
	if err := c.CreateTaskDef(ctx, model.TaskDef{Name: "get_signed_jwt", ResponseTimeoutSeconds: 30, RetryCount: 3}); err != nil {
		t.Fatal(err)
	}
	if _, found, err := c.TaskDef(ctx, "get_signed_jwt"); !found || err != nil {
		t.Errorf("after: %v, %v", found, err)
	}
	if v, err := c.Version(ctx); v != conductortest.Version || err != nil {
		t.Errorf("version is %q, %v", v, err)
	}
	s.Ledger.SetSecret("s", "S")
	id := s.Ledger.Enqueue(conductortest.TaskSpec{Type: queue, Template: json.RawMessage(`{"k":"${workflow.secrets.s}"}`)})
	stored, err := c.StoredTask(ctx, id)
	if in := string(stored.Input.Reveal()); err != nil || stored.ID != id || in != `{"k":"${workflow.secrets.s}"}` || string(stored.Template) != in {
		t.Errorf("stored task %s is %s of %s, %v", stored.ID, in, stored.Template, err)
	}
	raw, err := c.StoredWorkflow(ctx, "workflow-1")
	if err != nil || !strings.Contains(string(raw), `"workflowDefinition":{`) || !strings.Contains(string(raw), `"inputParameters":{"k":"${workflow.secrets.s}"}`) {
		t.Errorf("stored workflow is %s, %v", raw, err)
	}
	_, err = c.StoredWorkflow(ctx, "none")
	if e := failure(t, err); e.Class != conductor.NotFound || e.Call != "get workflow" {
		t.Errorf("an unknown workflow: %v", e)
	}
	_, err = c.StoredTask(ctx, "none/such")
	if e := failure(t, err); e.Status != 400 {
		t.Errorf("an id with a slash: %v", e)
	}
	_, err = c.StoredTask(ctx, "none")
	if e := failure(t, err); e.Class != conductor.NotFound {
		t.Errorf("an unknown id: %v", e)
	}
}

func TestAnswersByTheirStatus(t *testing.T) {
	date := time.Now().Add(50 * time.Second).UTC().Format(http.TimeFormat)
	cases := map[string]struct {
		fault conductortest.Fault
		class conductor.Class
		after time.Duration // at least; 0 is exactly
	}{
		"500":                             {conductortest.Fault{Status: 500}, conductor.Server, 0},
		"502 as a page":                   {conductortest.Fault{Status: 502, Wire: conductortest.WireHTML}, conductor.Server, 0},
		"503 that asks for two seconds":   {conductortest.Fault{Status: 503, RetryAfter: "2"}, conductor.Server, 2 * time.Second},
		"408":                             {conductortest.Fault{Status: 408}, conductor.Server, 0},
		"425":                             {conductortest.Fault{Status: 425}, conductor.Server, 0},
		"429 without more":                {conductortest.Fault{Status: 429}, conductor.Throttled, 0},
		"429 that asks for nothing":       {conductortest.Fault{Status: 429, RetryAfter: "0"}, conductor.Throttled, 0},
		"429 that asks for a day":         {conductortest.Fault{Status: 429, RetryAfter: "86400"}, conductor.Throttled, time.Minute},
		"429 that asks for an age":        {conductortest.Fault{Status: 429, RetryAfter: strings.Repeat("9", 40)}, conductor.Throttled, time.Minute},
		"429 that asks for a date":        {conductortest.Fault{Status: 429, RetryAfter: date}, conductor.Throttled, 15 * time.Second},
		"429 that asks for a past date":   {conductortest.Fault{Status: 429, RetryAfter: "Wed, 21 Oct 2015 07:28:00 GMT"}, conductor.Throttled, 0},
		"429 that asks for rubbish":       {conductortest.Fault{Status: 429, RetryAfter: "-1"}, conductor.Throttled, 0},
		"400":                             {conductortest.Fault{Status: 400}, conductor.Rejected, 0},
		"401 without credentials":         {conductortest.Fault{Status: 401}, conductor.Unauthorized, 0},
		"403":                             {conductortest.Fault{Status: 403}, conductor.Forbidden, 0},
		"404":                             {conductortest.Fault{Status: 404}, conductor.NotFound, 0},
		"407 of a proxy":                  {conductortest.Fault{Status: 407}, conductor.Network, 0},
		"409":                             {conductortest.Fault{Status: 409}, conductor.Rejected, 0},
		"413":                             {conductortest.Fault{Status: 413}, conductor.Rejected, 0},
		"418 with a body on the wire":     {conductortest.Fault{Status: 418}, conductor.Rejected, 0},
		"a redirect to another host":      {conductortest.Fault{Status: 307, Location: "http://other.invalid/api/tasks"}, conductor.Garbled, 0},
		"a redirect that loses the POST":  {conductortest.Fault{Status: 302, Location: "/health"}, conductor.Garbled, 0},
		"300":                             {conductortest.Fault{Status: 300}, conductor.Garbled, 0},
		"a redirect that leads nowhere":   {conductortest.Fault{Status: 304}, conductor.Garbled, 0},
		"a page instead of an answer":     {conductortest.Fault{Wire: conductortest.WireHTML}, conductor.Garbled, 0},
		"a closed connection":             {conductortest.Fault{Wire: conductortest.WireClose}, conductor.Network, 0},
		"a reset connection":              {conductortest.Fault{Wire: conductortest.WireReset}, conductor.Network, 0},
		"bytes that are no http":          {conductortest.Fault{Wire: conductortest.WireGarbage}, conductor.Network, 0},
		"half a body":                     {conductortest.Fault{Wire: conductortest.WireShort}, conductor.Network, 0},
		"a body that unpacks and unpacks": {conductortest.Fault{Wire: conductortest.WireBomb}, conductor.TooLarge, 0},
		"a body that says it is huge":     {conductortest.Fault{Wire: conductortest.WireHuge}, conductor.TooLarge, 0},
		"a body without end":              {conductortest.Fault{Wire: conductortest.WireEndless}, conductor.TooLarge, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, client, _ := start(t, conductortest.Plan(1, conductortest.Rule{Call: "update", Fault: c.fault}))
			err := complete(client, api.Task{ID: canary, WorkflowID: "w"})
			e := failure(t, err)
			if e.Class != c.class || e.Call != "update" {
				t.Errorf("the error is %v, want class %s", e, c.class)
			}
			if e.RetryAfter < c.after || c.after == 0 && e.RetryAfter != 0 || e.RetryAfter > conductor.MaxRetryAfter {
				t.Errorf("retry after is %s, want %s", e.RetryAfter, c.after)
			}
			if got := len(s.Ledger.Updates()); got != 0 {
				t.Errorf("%d updates took place", got)
			}
		})
	}
}

func TestPollAnswerOverTheLimit(t *testing.T) {
	for name, wire := range map[string]conductortest.Wire{
		"as it is": conductortest.WireHuge, "after unpacking": conductortest.WireBomb, "without end": conductortest.WireEndless,
	} {
		t.Run(name, func(t *testing.T) {
			s := conductortest.Serve(t, conductortest.NewLedger(conductortest.Options{}),
				conductortest.Plan(1, conductortest.Rule{Call: "poll", Times: 1, Fault: conductortest.Fault{Wire: wire}}))
			c := connect(t, conductor.Options{BaseURL: s.URL})
			_, err := poll(c, 1)
			if e := failure(t, err); e.Class != conductor.TooLarge {
				t.Errorf("the error is %v", e)
			}
			if _, err := poll(c, 1); err != nil {
				t.Errorf("the next poll: %v", err)
			}
		})
	}
}

func TestBodyUpToTheLimitIsRead(t *testing.T) {
	const limit = 1024
	for size, whole := range map[int]bool{1000: true, 1024: true, 1025: false} {
		body := "[]" + strings.Repeat(" ", size-2)
		for _, chunked := range []bool{true, false} {
			s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				if !chunked {
					w.Header().Set("Content-Length", strconv.Itoa(size))
				}
				for _, b := range []byte(body) {
					_, _ = w.Write([]byte{b})
				}
				if chunked {
					_ = http.NewResponseController(w).Flush()
				}
			})
			_, err := connect(t, conductor.Options{BaseURL: s}).WorkflowTasks(t.Context(), limit, ofQueues())
			if (err == nil) != whole {
				t.Errorf("%d bytes, chunked %v: %v", size, chunked, err)
			}
		}
	}
}

func TestTruncatedPollAnswer(t *testing.T) {
	_, c, _ := start(t, conductortest.Plan(1, conductortest.Rule{Call: "poll", Fault: conductortest.Fault{Wire: conductortest.WireTruncated}}))
	tasks, err := poll(c, 10)
	if e := failure(t, err); e.Class != conductor.Garbled || len(tasks) != 0 {
		t.Errorf("%d tasks, %v", len(tasks), e)
	}
}

func TestMalformedTaskCostsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		unreadable conductortest.Unreadable
		malformed  int
		unnamed    int
	}{
		"with ids":    {conductortest.UnreadableField, 1, 0},
		"without ids": {conductortest.UnreadableID, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, client, _ := start(t, conductortest.Plan(1, conductortest.Rule{Call: "poll", Fault: conductortest.Fault{Unreadable: c.unreadable, Extra: 20}}))
			enqueue(s, 50)
			tasks, err := poll(client, 30)
			if err != nil {
				t.Fatal(err)
			}
			malformed, unnamed := 0, 0
			for _, task := range tasks {
				switch {
				case task.ID == "" && task.Malformed:
					unnamed++
				case task.ID == "" || task.WorkflowID == "":
					t.Errorf("a task without ids: %+v", task)
				case task.Malformed:
					malformed++
				}
			}
			if malformed != c.malformed || unnamed != c.unnamed || len(tasks) != 50 {
				t.Errorf("%d tasks, %d malformed, %d unnamed", len(tasks), malformed, unnamed)
			}
		})
	}
}

func TestEmptyPollAnswers(t *testing.T) {
	for _, body := range []string{"[]", "", "null", " [ ] \n"} {
		s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			if body == "" {
				w.WriteHeader(http.StatusNoContent)
			}
			_, _ = w.Write([]byte(body))
		})
		tasks, err := poll(connect(t, conductor.Options{BaseURL: s}), 1)
		if len(tasks) != 0 || err != nil {
			t.Errorf("%q gives %d tasks, %v", body, len(tasks), err)
		}
	}
}

func TestPollAnswerThatIsNotAList(t *testing.T) {
	for _, body := range []string{`{"taskId":"a"}`, `[{}] x`, `[{},`, `nil`, `"x"`, "\x00"} {
		for _, kind := range []string{"application/json", "text/plain", "application/xml", "", "x/y; ="} {
			s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{kind}
				_, _ = w.Write([]byte(body))
			})
			_, err := poll(connect(t, conductor.Options{BaseURL: s}), 1)
			if e := failure(t, err); e.Class != conductor.Garbled {
				t.Errorf("%q of %q is %v", body, kind, e)
			}
		}
	}
}

func TestServerThatDoesNotRun(t *testing.T) {
	s, c, seen := start(t, nil)
	s.Down()
	_, err := poll(c, 1)
	if e := failure(t, err); e.Class != conductor.Network || !strings.Contains(e.Error(), "refused") {
		t.Errorf("the error is %v", e)
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if _, err := poll(c, 1); err != nil {
		t.Errorf("after its return: %v", err)
	}
	if !slices.Equal(seen.statuses("poll"), []int{0, 200}) {
		t.Errorf("observed %v", seen.statuses("poll"))
	}
}

func TestLongPollOverTheServersLimit(t *testing.T) {
	_, c, _ := start(t, nil)
	_, err := c.Poll(t.Context(), conductor.Query{TaskType: queue, Count: 1, Timeout: 5001 * time.Millisecond})
	if e := failure(t, err); e.Class != conductor.Rejected {
		t.Errorf("the error is %v", e)
	}
}

func TestContextEndsCall(t *testing.T) {
	_, c, _ := start(t, conductortest.Plan(1, conductortest.Rule{Fault: conductortest.Fault{Wire: conductortest.WireHang}}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Version(ctx)
	if e := failure(t, err); e.Class != conductor.Network || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", e)
	}
	err = complete(connect(t, conductor.Options{BaseURL: c.BaseURL()}).WithTimeout(50*time.Millisecond), api.Task{ID: "a", WorkflowID: "w"})
	if e := failure(t, err); e.Class != conductor.Network || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", e)
	}
}

func TestSlowBodyEndsWithTheCall(t *testing.T) {
	s := conductortest.Serve(t, conductortest.NewLedger(conductortest.Options{}),
		conductortest.Plan(1, conductortest.Rule{Fault: conductortest.Fault{Wire: conductortest.WireSlow}}))
	c := connect(t, conductor.Options{BaseURL: s.URL}).WithTimeout(100 * time.Millisecond)
	_, err := c.Version(t.Context())
	if e := failure(t, err); e.Class != conductor.Network || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", e)
	}
}

func TestManyRequestsOverFewConnections(t *testing.T) {
	s, c, _ := start(t, nil)
	for range 250 { // the server closes each connection after a hundred
		if _, err := poll(c, 1); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(s.Requests()); got != 250 {
		t.Errorf("%d requests", got)
	}
}

func TestOutputThatIsNotAnObjectIsNotSent(t *testing.T) {
	s, c, _ := start(t, nil)
	for _, output := range []string{`"x"`, `[]`, `{`, `{"a":1}}`} {
		err := c.Update(t.Context(), api.Result{TaskID: "a", WorkflowID: "w", Output: secret.NewJSON(json.RawMessage(output))})
		if e := failure(t, err); e.Class != conductor.Rejected {
			t.Errorf("%s is %v", output, e)
		}
	}
	if got := len(s.Requests()); got != 0 {
		t.Errorf("%d requests", got)
	}
}

func TestStoredTaskWithoutIDs(t *testing.T) {
	const ids = `{"taskId":"t","workflowInstanceId":"w"`
	for body, ok := range map[string]bool{
		ids + `,"a":1}`: true, ` ` + ids + `} `: true, `{}`: false, ids: false, ids + `,"retryCount":[]}`: false, ids + `}{}`: false,
		`[]`: false, `"x"`: false, `{`: false, ``: false, `null`: false,
	} {
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		stored, err := connect(t, conductor.Options{BaseURL: url}).StoredTask(t.Context(), "t")
		if ok && (err != nil || stored.ID != "t" || stored.WorkflowID != "w") || !ok && failure(t, err).Class != conductor.Garbled {
			t.Errorf("%q gives %+v, %v", body, stored, err)
		}
	}
}

func TestStoredWorkflowThatIsNotAnObject(t *testing.T) {
	for body, ok := range map[string]bool{`{"a":1}`: true, ` {}`: true, `[]`: false, `"x"`: false, `{`: false, ``: false, `null`: false} {
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		raw, err := connect(t, conductor.Options{BaseURL: url}).StoredWorkflow(t.Context(), "w")
		if ok && (err != nil || string(raw) != body) || !ok && failure(t, err).Class != conductor.Garbled {
			t.Errorf("%q gives %q, %v", body, raw, err)
		}
	}
}

// A poll may take as long as the server may wait, and more. Other calls have the
// timeout.
func TestPollHasALongerTimeout(t *testing.T) {
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(300 * time.Millisecond):
			_, _ = w.Write([]byte("[]"))
		case <-r.Context().Done():
		}
	})
	c := connect(t, conductor.Options{BaseURL: url}).WithTimeout(30 * time.Millisecond)
	if _, err := c.Poll(t.Context(), conductor.Query{TaskType: queue, Count: 1, Timeout: time.Millisecond}); err != nil {
		t.Errorf("the poll: %v", err)
	}
	if _, err := c.Version(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the version: %v", err)
	}
}

func TestPollRequest(t *testing.T) {
	var asked string
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.RequestURI()
		_, _ = w.Write([]byte("[]"))
	})
	c := connect(t, conductor.Options{BaseURL: url})
	for want, q := range map[string]conductor.Query{
		"GET /api/tasks/poll/batch/T?count=3&timeout=1500":                   {TaskType: "T", Count: 3, Timeout: 1500 * time.Millisecond},
		"GET /api/tasks/poll/batch/a%2Fb%3F?count=1&timeout=0":               {TaskType: "a/b?", Count: 1},
		"GET /api/tasks/poll/batch/T?count=1&domain=eu&timeout=0&workerid=w": {TaskType: "T", Count: 1, Domain: "eu", WorkerID: "w"},
	} {
		if _, err := c.Poll(t.Context(), q); err != nil || asked != want {
			t.Errorf("asked %s, want %s; %v", asked, want, err)
		}
	}
}

// An observer gets only values of closed sets.
func TestObservations(t *testing.T) {
	seen := &observed{}
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[{}]`)) })
	c := connect(t, conductor.Options{BaseURL: url, Observe: seen.add})
	if _, err := poll(c, 1); err != nil {
		t.Fatal(err)
	}
	if err := complete(c, api.Task{ID: "t", WorkflowID: "w"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.QueueSize(t.Context(), "a name", ""); failure(t, err).Class != conductor.Garbled {
		t.Fatal(err)
	}
	if err := c.CreateTaskDef(t.Context(), model.TaskDef{Name: "n"}); err != nil {
		t.Fatal(err)
	}
	want := []conductor.Observation{
		{Call: "poll", Status: 200},
		{Call: "update", Status: 200},
		{Call: "queue size", Status: 200},
		{Call: "create taskdef", Status: 200},
	}
	for i, got := range seen.all {
		if !got.HasSkew || got.Duration <= 0 {
			t.Errorf("no skew or duration in %+v", got)
		}
		got.Skew, got.HasSkew, got.Duration = 0, false, 0
		if i >= len(want) || got != want[i] {
			t.Errorf("observed %+v", got)
		}
	}
	if len(seen.all) != len(want) {
		t.Errorf("%d observations, want %d", len(seen.all), len(want))
	}
}

// Tasks and the list of workflows may be large; other answers have at most 1 MiB.
func TestSizeLimitsOfAnswers(t *testing.T) {
	for size, others := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		body := []byte("[]" + strings.Repeat(" ", size-2))
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
		c := connect(t, conductor.Options{BaseURL: url})
		for name, row := range map[string]struct {
			ask  func() error
			read bool
		}{
			"poll":      {func() error { _, err := poll(c, 1); return err }, true},
			"workflows": {func() error { _, err := c.WorkflowTasks(t.Context(), conductor.MaxAnswer, ofQueues()); return err }, true},
			"update":    {func() error { return complete(c, api.Task{ID: "t", WorkflowID: "w"}) }, others},
			"version":   {func() error { _, err := c.Version(t.Context()); return err }, others},
			"secrets":   {func() error { _, _, err := c.SecretNames(t.Context()); return err }, others},
			"pollers":   {func() error { _, err := c.PollData(t.Context(), "T"); return err }, others},
		} {
			if err := row.ask(); (err == nil) != row.read {
				t.Errorf("%s of %d bytes: %v", name, size, err)
			}
		}
	}
}

func TestLargeStoredTask(t *testing.T) {
	input := `{"x":"` + strings.Repeat("x", 2<<20) + `"}`
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"taskId":"t","workflowInstanceId":"w","inputData":` + input + `}`))
	})
	if stored, err := connect(t, conductor.Options{BaseURL: url}).StoredTask(t.Context(), "t"); err != nil || string(stored.Input.Reveal()) != input {
		t.Errorf("%d bytes, %v", stored.Input.Len(), err)
	}
}

func TestRequestHeaders(t *testing.T) {
	for _, agent := range []string{"me/1", "you/2"} {
		url := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("User-Agent"); got != agent {
				t.Errorf("%s %s is of %q, want %q", r.Method, r.URL.Path, got, agent)
			}
			if got := r.Header.Get("Accept"); got != "application/json" && strings.HasPrefix(r.URL.Path, "/api/tasks") {
				t.Errorf("%s %s accepts %q", r.Method, r.URL.Path, got)
			}
			if got := r.Header.Get("Content-Type"); r.Method == http.MethodPost && got != "application/json" {
				t.Errorf("%s %s sends %q", r.Method, r.URL.Path, got)
			}
			if _, sent := r.Header["Idempotency-Key"]; sent || r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("%s %s has the headers %v", r.Method, r.URL.Path, r.Header)
			}
			_, _ = w.Write([]byte("[]"))
		})
		c := connect(t, conductor.Options{BaseURL: url, UserAgent: agent})
		for _, err := range []error{
			complete(c, api.Task{ID: "t", WorkflowID: "w"}), c.CreateTaskDef(t.Context(), model.TaskDef{Name: "n"}),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := poll(c, 1); err != nil {
			t.Error(err)
		}
	}
}

// The connections of concurrent calls are kept for the next calls.
func TestConnectionsAreKept(t *testing.T) {
	const calls = 10
	var opened atomic.Int32
	var mu sync.Mutex
	waiting, all := 0, make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		here := all
		if waiting++; waiting == calls {
			waiting, all = 0, make(chan struct{})
			close(here)
		}
		mu.Unlock()
		<-here // until all are here
		_, _ = w.Write([]byte("[]"))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := connect(t, conductor.Options{BaseURL: s.URL})
	for range 3 {
		together(t, calls, func() error {
			_, err := poll(c, 1)
			return err
		})
	}
	if n := opened.Load(); n > calls+2 { // one may be on its way back when the next call asks for it
		t.Errorf("%d connections for %d calls at once", n, calls)
	}
}

// An HTML page of a proxy is no acknowledgement.
func TestPageIsNoAnswer(t *testing.T) {
	for kind, page := range map[string]bool{
		"text/html": true, "Text/HTML; charset=utf-8": true, "application/vnd.x-html": true,
		"text/plain": false, "application/json; x=html": false, "": false, "html": true, "text/htmlx": false,
	} {
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{kind}
			_, _ = w.Write([]byte("[]"))
		})
		err := complete(connect(t, conductor.Options{BaseURL: url}), api.Task{ID: "t", WorkflowID: "w"})
		if page && failure(t, err).Class != conductor.Garbled || !page && err != nil {
			t.Errorf("%q: %v", kind, err)
		}
	}
}

// A redirect that would turn a POST into a GET is not followed.
func TestRedirectsByMethod(t *testing.T) {
	for status, posts := range map[int]bool{301: false, 302: false, 303: false, 307: true, 308: true} {
		url := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/there") {
				http.Redirect(w, r, "/there", status)
				return
			}
			_, _ = w.Write([]byte("[]"))
		})
		c := connect(t, conductor.Options{BaseURL: url})
		if _, err := poll(c, 1); err != nil {
			t.Errorf("%d of a GET: %v", status, err)
		}
		if err := complete(c, api.Task{ID: "t", WorkflowID: "w"}); (err == nil) != posts {
			t.Errorf("%d of a POST: %v", status, err)
		}
	}
}

func TestLargeResponseHeaders(t *testing.T) {
	for size, read := range map[int]bool{32 << 10: true, 128 << 10: false} {
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", size))
			_, _ = w.Write([]byte("[]"))
		})
		_, err := poll(connect(t, conductor.Options{BaseURL: url}), 1)
		if read && err != nil || !read && failure(t, err).Class != conductor.Network {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
