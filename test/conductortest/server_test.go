package conductortest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	length int64 // Content-Length
}

// ask does one request on a connection of its own.
func ask(t *testing.T, s *conductortest.Server, method, path, body string, headers ...string) (reply, string) {
	t.Helper()
	r, text, err := try(t, s, method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r, text
}

func try(t *testing.T, s *conductortest.Server, method, path, body string, headers ...string) (reply, string, error) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		return reply{}, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return reply{response.StatusCode, response.Header, response.ContentLength}, string(text), err
}

func serve(t *testing.T, faults conductortest.Faults) *conductortest.Server {
	t.Helper()
	l := conductortest.NewLedger(conductortest.Options{Secrets: map[string]string{"s": "S"}})
	return conductortest.Serve(t, l, faults)
}

func TestTheShellAnswersAsTheServerDoes(t *testing.T) {
	s := serve(t, nil)
	running := s.Ledger.Enqueue(conductortest.TaskSpec{Type: "OTHER", WorkflowID: "running"})
	const update = "/api/tasks"
	cases := map[string]struct {
		method, path, body string
		status             int
		kind, text         string
	}{
		"a poll of an unknown type":     {"GET", "/api/tasks/poll/batch/X?timeout=0", "", 200, "application/json", "[]"},
		"a single poll of nothing":      {"GET", "/api/tasks/poll/X", "", 204, "", ""},
		"a poll for none":               {"GET", "/api/tasks/poll/batch/OTHER?count=0", "", 200, "application/json", "[]"},
		"a poll that waits too long":    {"GET", "/api/tasks/poll/batch/X?timeout=5001", "", 400, "application/json", "Long Poll Timeout value cannot be more than 5 seconds"},
		"a poll for abc":                {"GET", "/api/tasks/poll/batch/X?count=abc", "", 500, "application/json", `"retryable":false`},
		"a poll of a type with a slash": {"GET", "/api/tasks/poll/batch/a%2Fb", "", 400, "text/html;charset=utf-8", "<!doctype html>"},
		"a task":                        {"GET", "/api/tasks/" + running, "", 200, "application/json", `"status":"SCHEDULED"`},
		"an unknown task":               {"GET", "/api/tasks/none", "", 404, "application/json", `"status":404`},
		"an update of an unknown task":  {"POST", update, `{"taskId":"none","workflowInstanceId":"running","status":"COMPLETED"}`, 404, "application/json", `"instance":"vm"`},
		"an update without a workflow":  {"POST", update, `{"taskId":"none","status":"COMPLETED"}`, 400, "application/json", ""},
		"an update without a status":    {"POST", update, `{"taskId":"` + running + `","workflowInstanceId":"running"}`, 500, "application/json", ""},
		"an update with a text output":  {"POST", update, `{"taskId":"` + running + `","workflowInstanceId":"running","status":"FAILED","outputData":"x"}`, 500, "application/json", ""},
		"an update that is no JSON":     {"POST", update, `{`, 500, "application/json", ""},
		"an update without a body":      {"POST", update, ``, 500, "application/json", ""},
		"a definition that is missing":  {"GET", "/api/metadata/taskdefs/zz", "", 404, "application/json", "No such taskType found by name: zz"},
		"a definition that is no list":  {"POST", "/api/metadata/taskdefs", `{"name":"n"}`, 500, "application/json", ""},
		"no definitions":                {"POST", "/api/metadata/taskdefs", `[]`, 400, "application/json", ""},
		"a definition without a name":   {"POST", "/api/metadata/taskdefs", `[{}]`, 400, "application/json", ""},
		"a definition of odd timeouts":  {"POST", "/api/metadata/taskdefs", `[{"name":"n","timeoutSeconds":60}]`, 400, "application/json", ""},
		"the size of a queue":           {"GET", "/api/tasks/queue/size?taskType=OTHER", "", 200, "application/json", "1"},
		"a secret that exists":          {"GET", "/api/secrets/s/exists", "", 200, "application/json", "true"},
		"a secret that does not":        {"GET", "/api/secrets/t/exists", "", 200, "application/json", "false"},
		"the version":                   {"GET", "/api/version", "", 200, "text/plain;charset=UTF-8", conductortest.Version},
		"the health":                    {"GET", "/health", "", 200, "application/json", `"healthy":true`},
		"the health below /api":         {"GET", "/api/health", "", 200, "application/json", `"healthy":true`},
		"no token":                      {"POST", "/api/token", `{}`, 404, "application/json", ""},
		"an unknown path":               {"GET", "/api/nope", "", 404, "application/json", "No static resource"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, text := ask(t, s, c.method, c.path, c.body)
			if r.status != c.status || r.header.Get("Content-Type") != c.kind || !strings.Contains(text, c.text) {
				t.Errorf("it is %d %s %s", r.status, r.header.Get("Content-Type"), text)
			}
		})
	}
}

func TestAnUpdateIsAnsweredWithTheNextTask(t *testing.T) {
	s := serve(t, nil)
	first := s.Ledger.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w"})
	second := s.Ledger.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "v"})
	if len(poll(t, s.Ledger, 1, 0)) != 1 {
		t.Fatal("no task was polled")
	}
	done := func(id, workflow string) string {
		return `{"taskId":"` + id + `","workflowInstanceId":"` + workflow + `","workerId":"w","status":"COMPLETED"}`
	}
	const path = "/api/tasks/update-v2"
	if r, text := ask(t, s, "POST", path, done(first, "w")); r.status != 200 || !strings.Contains(text, `"taskId":"`+second+`"`) {
		t.Errorf("the first is %d %s", r.status, text)
	}
	if r, text := ask(t, s, "POST", path, done(second, "v")); r.status != 204 || text != "" {
		t.Errorf("the last is %d %s", r.status, text)
	}
	if r, _ := ask(t, s, "POST", path, done(second, "v")); r.status != 204 {
		t.Errorf("once more is %d", r.status)
	}
	sound(t, s.Ledger)
	if r, _ := ask(t, s, "POST", path, done("none", "v")); r.status != 404 {
		t.Errorf("an unknown one is %d", r.status)
	}
}

func TestAPackedUpdateIsRefused(t *testing.T) {
	s := serve(t, nil)
	if r, _ := ask(t, s, "POST", "/api/tasks", `{}`, "Content-Encoding", "gzip"); r.status != 500 {
		t.Errorf("it is %d", r.status)
	}
	if r, _ := ask(t, s, "POST", "/api/tasks", `{}`, "Content-Type", "text/plain"); r.status != 500 {
		t.Errorf("as a text it is %d", r.status)
	}
}

func TestATaskOnTheWire(t *testing.T) {
	s := serve(t, nil)
	id := s.Ledger.Enqueue(conductortest.TaskSpec{
		Type: queue, Name: "n", WorkflowID: "w", Domain: "d",
		Template:   json.RawMessage(`{"key":"${workflow.secrets.s}","a":"<${workflow.input.x}>"}`),
		Definition: &conductortest.Definition{ResponseTimeout: 30 * time.Second, Retries: 2, RuntimeMetadata: []string{"s"}},
	})
	if _, text := ask(t, s, "GET", "/api/tasks/poll/batch/"+queue+"?timeout=0", ""); text != "[]" {
		t.Errorf("without its domain: %s", text)
	}
	_, text := ask(t, s, "GET", "/api/tasks/poll/batch/"+queue+"?domain=d&workerid=me&timeout=0&count=5", "")
	for _, want := range []string{
		`"taskId":"` + id + `"`, `"inputData":{"key":"S","a":"<null>"}`, `"taskDefName":"n"`, `"workflowInstanceId":"w"`,
		`"inputParameters":{"key":"${workflow.secrets.s}","a":"<${workflow.input.x}>"}`, `"responseTimeoutSeconds":0`,
		`"responseTimeoutSeconds":30`, `"runtimeMetadata":{"s":"S"}`, `"status":"IN_PROGRESS"`, `"workerId":"me"`, `"pollCount":1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the polled task lacks %s: %s", want, text)
		}
	}
	_, text = ask(t, s, "GET", "/api/tasks/"+id, "")
	if !strings.Contains(text, `"inputData":{"key":"${workflow.secrets.s}","a":"<null>"}`) || strings.Contains(text, "runtimeMetadata\":{") {
		t.Errorf("the stored task is %s", text)
	}
	update := `{"taskId":"` + id + `","workflowInstanceId":"w","status":"COMPLETED","outputData":{"t":1},"unknown":[]}`
	for range 2 {
		r, text := ask(t, s, "POST", "/api/tasks", update)
		if r.status != 200 || text != id || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("the update is answered with %d %s", r.status, text)
		}
	}
	sound(t, s.Ledger)
}

func TestAnExternalInputIsEmpty(t *testing.T) {
	s := serve(t, nil)
	s.Ledger.Enqueue(conductortest.TaskSpec{Type: queue, External: true, Input: json.RawMessage(`{"a":1}`)})
	_, text := ask(t, s, "GET", "/api/tasks/poll/"+queue, "")
	if !strings.Contains(text, `"inputData":{}`) || !strings.Contains(text, `"externalInputPayloadStoragePath":"`) {
		t.Errorf("the polled task is %s", text)
	}
}

func TestALeaseCanBeExtended(t *testing.T) {
	now := time.Unix(1795355503, 0)
	l := conductortest.NewLedger(conductortest.Options{Now: func() time.Time { return now }})
	s := conductortest.Serve(t, l, nil)
	id := l.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w", Definition: &conductortest.Definition{ResponseTimeout: 10 * time.Second}})
	one(t, l)
	now = now.Add(8 * time.Second)
	ask(t, s, "POST", "/api/tasks", `{"taskId":"`+id+`","workflowInstanceId":"w","extendLease":true}`)
	now = now.Add(8 * time.Second)
	if got := last(t, l, id); got.Status != conductortest.InProgress {
		t.Errorf("it is %s", got.Status)
	}
	now = now.Add(8 * time.Second)
	if got := last(t, l, id); got.Status != conductortest.TimedOut {
		t.Errorf("it is %s", got.Status)
	}
}

func TestFaultsOnTheWire(t *testing.T) {
	cases := map[string]struct {
		fault conductortest.Fault
		check func(r reply, text string, err error) bool
	}{
		"a closed connection": {conductortest.Fault{Wire: conductortest.WireClose}, func(_ reply, _ string, err error) bool { return errors.Is(err, io.EOF) }},
		"an injected error":   {conductortest.Fault{Err: io.ErrNoProgress}, func(_ reply, _ string, err error) bool { return errors.Is(err, io.EOF) }},
		"a reset": {conductortest.Fault{Wire: conductortest.WireReset}, func(_ reply, _ string, err error) bool {
			return err != nil && strings.Contains(err.Error(), "reset")
		}},
		"no http": {conductortest.Fault{Wire: conductortest.WireGarbage}, func(_ reply, _ string, err error) bool {
			return err != nil && strings.Contains(err.Error(), "malformed")
		}},
		"a short body": {conductortest.Fault{Wire: conductortest.WireShort}, func(_ reply, _ string, err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"half of the JSON": {conductortest.Fault{Wire: conductortest.WireTruncated}, func(r reply, text string, err error) bool {
			return err == nil && r.status == 200 && !json.Valid([]byte(text))
		}},
		"a page": {conductortest.Fault{Wire: conductortest.WireHTML}, func(r reply, text string, err error) bool {
			return err == nil && r.status == 200 && strings.Contains(text, "<p>")
		}},
		"a page of an error": {conductortest.Fault{Status: 502, Wire: conductortest.WireHTML}, func(r reply, text string, err error) bool {
			return err == nil && r.status == 502 && strings.Contains(text, "<p>")
		}},
		"an error with a wish": {conductortest.Fault{Status: 429, RetryAfter: "3"}, func(r reply, _ string, _ error) bool {
			return r.status == 429 && r.header.Get("Retry-After") == "3"
		}},
		"a redirect": {conductortest.Fault{Status: 302, Location: "/x"}, func(r reply, _ string, _ error) bool {
			return r.status == 302 && r.header.Get("Location") == "/x"
		}},
		"a bomb": {conductortest.Fault{Wire: conductortest.WireBomb}, func(r reply, text string, err error) bool {
			return err == nil && r.header.Get("Content-Encoding") == "gzip" && len(text) < 1<<20
		}},
		"a body that says 200 MiB": {conductortest.Fault{Wire: conductortest.WireHuge}, func(r reply, text string, _ error) bool {
			return r.length == 200<<20 && len(text) == 4<<20
		}},
		"a body without end": {conductortest.Fault{Wire: conductortest.WireEndless}, func(r reply, text string, _ error) bool { return r.length < 0 && len(text) == 4<<20 }},
		"nothing wrong": {conductortest.Fault{}, func(r reply, text string, err error) bool {
			return err == nil && r.status == 200 && text == conductortest.Version
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := serve(t, conductortest.Plan(1, conductortest.Rule{Call: "version", Fault: c.fault}))
			r, text, err := try(t, s, "GET", "/api/version", "")
			if !c.check(r, text, err) {
				t.Errorf("it is %v, %.80q, %v", r, text, err)
			}
		})
	}
}

func TestALostAnswerTookEffect(t *testing.T) {
	for name, wire := range map[string]conductortest.Wire{"closed": 0, "reset": conductortest.WireReset, "a page": conductortest.WireHTML} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, conductortest.Plan(1, conductortest.Rule{Call: "update", Times: 1, Fault: conductortest.Fault{Lost: true, Wire: wire}}))
			id := s.Ledger.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w"})
			one(t, s.Ledger)
			_, _, err := try(t, s, "POST", "/api/tasks", `{"taskId":"`+id+`","workflowInstanceId":"w","status":"COMPLETED"}`)
			if (err == nil) != (wire == conductortest.WireHTML) {
				t.Errorf("the error is %v", err)
			}
			if got := last(t, s.Ledger, id); got.Status != conductortest.Completed {
				t.Errorf("it is %s", got.Status)
			}
		})
	}
}

func TestAClientThatGoesAwayLosesThePoll(t *testing.T) {
	s := serve(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/tasks/poll/batch/"+queue+"?timeout=5000&workerid=gone", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if response, err := transport.RoundTrip(r); err == nil {
			_ = response.Body.Close()
		}
	}()
	waits := func(want func(p conductortest.Poll) bool) {
		err := s.Ledger.WaitFor(t.Context(), func() bool {
			polls := s.Ledger.Polls()
			return len(polls) == 1 && want(polls[0])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	waits(func(conductortest.Poll) bool { return true })
	cancel()
	<-done
	waits(func(p conductortest.Poll) bool { return p.Abandoned })
	id := s.Ledger.Enqueue(conductortest.TaskSpec{Type: queue})
	if got := last(t, s.Ledger, id); got.Status != conductortest.InProgress || got.WorkerID != "gone" {
		t.Errorf("it is %s with %q", got.Status, got.WorkerID)
	}
}

func TestAConnectionServesSoManyRequests(t *testing.T) {
	s := conductortest.ServeWith(t, conductortest.NewLedger(conductortest.Options{}), nil, conductortest.ServerOptions{PerConnection: 3})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	var closed []bool
	for range 6 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/version", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		closed = append(closed, response.Close)
	}
	if want := []bool{false, false, true, false, false, true}; !equal(closed, want) {
		t.Errorf("closed are %v, want %v", closed, want)
	}
}

func equal(a, b []bool) bool {
	for i := range a {
		if len(a) != len(b) || a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestTheServerComesBackOnItsPort(t *testing.T) {
	s := serve(t, nil)
	before := s.URL
	s.Down()
	if _, _, err := try(t, s, "GET", "/health", ""); !errors.As(err, new(*net.OpError)) {
		t.Errorf("while it is down: %v", err)
	}
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	if r, _ := ask(t, s, "GET", "/health", ""); r.status != 200 || s.URL != before {
		t.Errorf("after its return: %d at %s", r.status, s.URL)
	}
}

func TestTokensOfTheShell(t *testing.T) {
	s := conductortest.ServeWith(t, conductortest.NewLedger(conductortest.Options{}), nil, conductortest.ServerOptions{KeyID: "id", Secret: "s"})
	status := func(path, body, token string) int {
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		r, _ := ask(t, s, method, path, body, "X-Authorization", token)
		return r.status
	}
	if got := status("/api/version", "", ""); got != 401 {
		t.Errorf("without a token: %d", got)
	}
	if got := status("/health", "", ""); got != 200 {
		t.Errorf("health: %d", got)
	}
	if got := status("/api/token", `{"keyId":"id","keySecret":"wrong"}`, ""); got != 401 {
		t.Errorf("wrong credentials: %d", got)
	}
	_, text := ask(t, s, "POST", "/api/token", `{"keyId":"id","keySecret":"s"}`)
	var grant struct{ Token string }
	if err := json.NewDecoder(bytes.NewBufferString(text)).Decode(&grant); err != nil {
		t.Fatal(err)
	}
	if got := status("/api/version", "", grant.Token); got != 200 {
		t.Errorf("with a token: %d", got)
	}
	s.Forbid(true)
	if got := status("/api/version", "", grant.Token); got != 403 {
		t.Errorf("forbidden: %d", got)
	}
	s.Forbid(false)
	s.Rotate()
	if got := status("/api/version", "", grant.Token); got != 401 {
		t.Errorf("after rotation: %d", got)
	}
	for _, r := range s.Requests() {
		if r.Header.Get("X-Authorization") != "" {
			t.Error("a token is in the record")
		}
	}
}
