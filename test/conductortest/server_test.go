package conductortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// reply is a response without its body.
type reply struct {
	status int
	header http.Header
	length int64 // Content-Length
}

// try sends a request on a new connection.
func try(t *testing.T, s *conductortest.Server, method, path, body string) (reply, string, error) {
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
		"not HTTP": {conductortest.Fault{Wire: conductortest.WireGarbage}, func(_ reply, _ string, err error) bool {
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
		"an error with Retry-After": {conductortest.Fault{Status: 429, RetryAfter: "3"}, func(r reply, _ string, _ error) bool {
			return r.status == 429 && r.header.Get("Retry-After") == "3"
		}},
		"a redirect": {conductortest.Fault{Status: 302, Location: "/x"}, func(r reply, _ string, _ error) bool {
			return r.status == 302 && r.header.Get("Location") == "/x"
		}},
		"a gzip bomb": {conductortest.Fault{Wire: conductortest.WireBomb}, func(r reply, text string, err error) bool {
			return err == nil && r.header.Get("Content-Encoding") == "gzip" && len(text) < 1<<20
		}},
		"a body of 200 MiB": {conductortest.Fault{Wire: conductortest.WireHuge}, func(r reply, text string, _ error) bool {
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
				t.Errorf("unexpected response %v, %.80q, %v", r, text, err)
			}
		})
	}
}

func TestLostResponseHasTakenEffect(t *testing.T) {
	for name, wire := range map[string]conductortest.Wire{"closed": 0, "reset": conductortest.WireReset, "a page": conductortest.WireHTML} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, conductortest.Plan(1, conductortest.Rule{Call: "update", Times: 1, Fault: conductortest.Fault{Lost: true, Wire: wire}}))
			id := s.Ledger.Enqueue(conductortest.TaskSpec{Type: queue, WorkflowID: "w"})
			one(t, s.Ledger)
			_, _, err := try(t, s, "POST", "/api/tasks", `{"taskId":"`+id+`","workflowInstanceId":"w","status":"COMPLETED"}`)
			if (err == nil) != (wire == conductortest.WireHTML) {
				t.Errorf("error %v, want one unless a page is returned", err)
			}
			if got := last(t, s.Ledger, id); got.Status != api.Completed {
				t.Errorf("the task is %s, want COMPLETED", got.Status)
			}
		})
	}
}

func TestDisconnectedClientLosesItsTask(t *testing.T) {
	s := serve(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/tasks/poll/batch/"+queue+"?timeout=5000&workerid=disconnected", http.NoBody)
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
	if got := last(t, s.Ledger, id); got.Status != api.InProgress || got.WorkerID != "disconnected" {
		t.Errorf("the task is %s with worker %q, want IN_PROGRESS with the disconnected one", got.Status, got.WorkerID)
	}
}

// An update by update-v2 is answered with the next task of the same queue, which
// has the domain of the task.
func TestAnUpdateIsAnsweredWithTheNextTaskOfItsQueue(t *testing.T) {
	s := serve(t, nil)
	s.Ledger.Enqueue(conductortest.TaskSpec{Type: "T", Name: "n"})
	for range 2 {
		s.Ledger.Enqueue(conductortest.TaskSpec{Type: "T", Name: "n", Domain: "d"})
	}
	_, polled, err := try(t, s, http.MethodGet, "/api/tasks/poll/batch/T?domain=d", "")
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := api.DecodeTasks([]byte(polled))
	for i := range 2 {
		if err != nil || len(tasks) != 1 {
			t.Fatalf("task %d: %d tasks, %v", i, len(tasks), err)
		}
		update := `{"taskId":"` + tasks[0].ID + `","workflowInstanceId":"` + tasks[0].WorkflowID + `","status":"COMPLETED"}`
		r, next, failed := try(t, s, http.MethodPost, "/api/tasks/update-v2", update)
		want := []int{http.StatusOK, http.StatusNoContent}[i]
		if failed != nil || r.status != want {
			t.Fatalf("update %d: %d, %v; want %d", i, r.status, failed, want)
		}
		tasks, err = api.DecodeTasks([]byte("[" + next + "]"))
	}
	if n := s.Ledger.Waiting("T", ""); n != 1 {
		t.Errorf("%d tasks wait without a domain, want 1", n)
	}
}
