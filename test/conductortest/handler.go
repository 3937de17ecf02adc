package conductortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// Version is the version of the imitated server.
const Version = "3.32.3"

// call is a request and its fault.
type call struct {
	Call
	body  []byte
	fault Fault
}

// Handler returns the server's API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern, name string, do func(http.ResponseWriter, *http.Request, call)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, name, do) })
	}
	route("GET /api/tasks/poll/batch/{type}", "poll", s.pollBatch)
	route("GET /api/tasks/poll/{type}", "poll", s.pollOne)
	route("POST /api/tasks", "update", s.updateTask)
	route("POST /api/tasks/update-v2", "update", s.updateTaskV2)
	route("GET /api/tasks/{id}", "get task", s.getTask)
	route("GET /api/workflow/{id}", "get workflow", s.getWorkflow)
	route("GET /api/tasks/queue/size", "queue size", s.queueSize)
	route("GET /api/metadata/taskdefs/{name}", "get taskdef", s.getTaskDef)
	route("POST /api/metadata/taskdefs", "create taskdef", s.createTaskDefs)
	route("GET /api/secrets/{name}/exists", "secret exists", s.secretExists)
	route("GET /api/secrets", "secret names", s.secretNames)
	route("GET /api/metadata/workflow", "get workflowdefs", s.workflowDefs)
	route("GET /api/tasks/queue/polldata", "poll data", s.pollData)
	route("GET /api/version", "version", func(w http.ResponseWriter, _ *http.Request, _ call) { plainText(w, Version) })
	route("GET /health", "health", health)
	route("GET /api/health", "health", health)
	if s.auth != nil {
		route("POST /api/token", "token", func(w http.ResponseWriter, r *http.Request, c call) {
			r.Body = io.NopCloser(bytes.NewReader(c.body))
			s.auth.grant(w, r)
		})
	}
	route("/", "unknown", func(w http.ResponseWriter, r *http.Request, _ call) {
		problem(w, http.StatusNotFound, "No static resource "+strings.TrimPrefix(r.URL.Path, "/")+".")
	})
	return mux
}

// serve handles a request: records it, applies its fault, authenticates, and
// calls do.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, name string, do func(http.ResponseWriter, *http.Request, call)) {
	s.record(r)
	if s.lastOfConnection(r.Context()) {
		w.Header().Set("Connection", "close")
	}
	if strings.Contains(r.URL.EscapedPath(), "%2F") { // Tomcat refuses it
		page(w, http.StatusBadRequest, "")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client disconnected
	}
	c := call{Call: identify(name, r, body), body: body}
	c.fault = s.Ledger.next(c.Call)
	if Pause(r.Context(), c.fault.Delay) != nil {
		return
	}
	if s.before(w, r, c) {
		return
	}
	if s.auth != nil && name != "token" && name != "health" {
		if status := s.auth.status(r.Header.Get("X-Authorization")); status != http.StatusOK {
			refuseToken(w, status, r.Header.Get("X-Authorization"))
			return
		}
	}
	if !c.fault.Lost {
		do(w, r, c)
		return
	}
	do(discard{header: http.Header{}}, r, c)
	c.fault.wire().send(w, r, echo(r, c.body))
}

// refuseToken repeats the token in its message, as a careless server does, with
// the error code that makes the SDKs request a new token.
func refuseToken(w http.ResponseWriter, status int, token string) {
	raw, err := marshal(map[string]any{"status": status, "error": "EXPIRED_TOKEN", "message": "Token cannot be used: " + token})
	if err != nil {
		problem(w, status, "Token cannot be used: "+token)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	write(w, string(raw))
}

// before applies a fault that replaces the call, and reports whether there was
// one.
func (s *Server) before(w http.ResponseWriter, r *http.Request, c call) bool {
	f := c.fault
	switch {
	case f.Err != nil:
		WireClose.send(w, r, "")
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		if f.Location != "" {
			w.Header().Set("Location", f.Location)
		}
		if f.Wire == WireHTML {
			page(w, f.Status, echo(r, c.body))
		} else {
			problem(w, f.Status, "Cannot serve "+echo(r, c.body))
		}
	case f.Wire != 0 && !f.Lost:
		f.Wire.send(w, r, echo(r, c.body))
	default:
		return false
	}
	return true
}

func (f Fault) wire() Wire {
	if f.Wire == 0 {
		return WireClose
	}
	return f.Wire
}

// echo returns the request, as a careless server repeats it in an error.
func echo(r *http.Request, body []byte) string {
	return r.Method + " " + r.URL.String() + " X-Authorization: " + r.Header.Get("X-Authorization") + " " + string(body)
}

// identify returns the Call of a request.
func identify(name string, r *http.Request, body []byte) Call {
	c := Call{Name: name, TaskID: r.PathValue("id"), TaskType: r.PathValue("type"), WorkerID: r.URL.Query().Get("workerid")}
	if c.TaskType == "" {
		c.TaskType = r.PathValue("name")
	}
	if name == "update" {
		var u struct {
			TaskID, WorkerID string
			Status           api.Status
		}
		if json.Unmarshal(body, &u) == nil {
			c.TaskID, c.WorkerID, c.Status = u.TaskID, u.WorkerID, u.Status
		}
	}
	return c
}

func (s *Server) pollBatch(w http.ResponseWriter, r *http.Request, c call) {
	q, ok := query(r)
	if !ok {
		problem(w, http.StatusInternalServerError, "Failed to convert value")
		return
	}
	if q.Timeout > MaxPollTimeout {
		problem(w, http.StatusBadRequest, "Long Poll Timeout value cannot be more than 5 seconds")
		return
	}
	tasks, err := s.Ledger.poll(r.Context(), q, c.fault)
	if err != nil {
		return // the client disconnected
	}
	out := make([]json.RawMessage, 0, len(tasks))
	for i, t := range tasks {
		raw := t.polled()
		if i == 0 {
			raw = c.fault.Unreadable.apply(raw)
		}
		out = append(out, raw)
	}
	writeJSON(w, out)
}

func (s *Server) pollOne(w http.ResponseWriter, r *http.Request, _ call) {
	q, ok := query(r)
	if !ok {
		problem(w, http.StatusInternalServerError, "Failed to convert value")
		return
	}
	q.Count, q.Timeout = 1, 100*time.Millisecond
	tasks, err := s.Ledger.poll(r.Context(), q, Fault{})
	switch {
	case err != nil:
	case len(tasks) == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, tasks[0].polled())
	}
}

// query reads a poll's parameters, with the server's defaults.
func query(r *http.Request) (q conductor.Query, ok bool) {
	values := r.URL.Query()
	number := func(name string, or int) int {
		text := values.Get(name)
		if text == "" {
			return or
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			ok = false
		}
		return n
	}
	ok = true
	q = conductor.Query{
		TaskType: r.PathValue("type"), Domain: values.Get("domain"), WorkerID: values.Get("workerid"),
		Count:   number("count", 1),
		Timeout: time.Duration(number("timeout", 100)) * time.Millisecond,
	}
	return q, ok
}

// apply makes a polled task unreadable.
func (s Unreadable) apply(raw json.RawMessage) json.RawMessage {
	var task map[string]json.RawMessage
	if s == 0 || json.Unmarshal(raw, &task) != nil {
		return raw
	}
	switch s {
	case UnreadableField:
		task["retryCount"] = json.RawMessage(`{"a":[1]}`)
	case UnreadableID:
		delete(task, "taskId")
	}
	out, err := marshal(task)
	if err != nil {
		return raw
	}
	return out
}

func (s *Server) getTask(w http.ResponseWriter, r *http.Request, _ call) {
	raw, ok := s.Ledger.storedTask(r.PathValue("id"))
	if !ok {
		problem(w, http.StatusNotFound, "Task not found for taskId: "+r.PathValue("id"))
		return
	}
	writeJSON(w, raw)
}

func (s *Server) getWorkflow(w http.ResponseWriter, r *http.Request, _ call) {
	s.Ledger.mu.Lock()
	defer s.Ledger.mu.Unlock()
	raw := s.Ledger.storedWorkflow(r.PathValue("id"))
	if raw == nil {
		problem(w, http.StatusNotFound, "Workflow with Id: "+r.PathValue("id")+" not found.")
		return
	}
	writeJSON(w, raw)
}

func (s *Server) queueSize(w http.ResponseWriter, r *http.Request, _ call) {
	values := r.URL.Query()
	writeJSON(w, s.Ledger.Waiting(values.Get("taskType"), values.Get("domain")))
}

func (s *Server) getTaskDef(w http.ResponseWriter, r *http.Request, _ call) {
	raw := s.Ledger.StoredTaskDef(r.PathValue("name"))
	if raw == nil {
		problem(w, http.StatusNotFound, "No such taskType found by name: "+r.PathValue("name"))
		return
	}
	writeJSON(w, raw)
}

func (s *Server) createTaskDefs(w http.ResponseWriter, _ *http.Request, c call) {
	var defs []json.RawMessage
	if json.Unmarshal(c.body, &defs) != nil {
		problem(w, http.StatusInternalServerError, "JSON parse error")
		return
	}
	if len(defs) == 0 {
		problem(w, http.StatusBadRequest, "Validation failed, check below errors for detail.")
		return
	}
	for _, def := range defs {
		var e *conductor.Error
		if err := s.Ledger.PutTaskDef(def); errors.As(err, &e) {
			problem(w, e.Status, "Validation failed, check below errors for detail.")
			return
		}
	}
}

func (s *Server) secretExists(w http.ResponseWriter, r *http.Request, _ call) {
	s.Ledger.mu.Lock()
	_, ok := s.Ledger.secrets[r.PathValue("name")]
	s.Ledger.mu.Unlock()
	writeJSON(w, ok)
}

func health(w http.ResponseWriter, _ *http.Request, _ call) {
	writeJSON(w, map[string]any{"healthResults": []string{}, "suppressedHealthResults": []string{}, "healthy": true})
}

func writeJSON(w http.ResponseWriter, v any) {
	raw, err := marshal(v)
	if err != nil {
		problem(w, http.StatusInternalServerError, "cannot encode the response")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, string(raw))
}

func plainText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	write(w, text)
}

// problem writes the server's error object.
func problem(w http.ResponseWriter, status int, message string) {
	raw, err := marshal(map[string]any{"status": status, "message": message, "instance": "vm", "retryable": false})
	if err != nil {
		raw = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	write(w, string(raw))
}

// discard discards the response of a lost call.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// SetWorkflows sets the workflow definitions that the server returns, a JSON
// array. It starts nothing.
func (l *Ledger) SetWorkflows(raw json.RawMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workflowDefs = raw
}

func (s *Server) workflowDefs(w http.ResponseWriter, _ *http.Request, _ call) {
	s.Ledger.mu.Lock()
	raw := s.Ledger.workflowDefs
	s.Ledger.mu.Unlock()
	if raw == nil {
		raw = json.RawMessage("[]")
	}
	writeJSON(w, raw)
}

// secretNames lists the names of the secrets, as the open-source server does
// without authentication.
func (s *Server) secretNames(w http.ResponseWriter, _ *http.Request, _ call) {
	s.Ledger.mu.Lock()
	names := slices.Sorted(maps.Keys(s.Ledger.secrets))
	s.Ledger.mu.Unlock()
	writeJSON(w, names)
}

// pollData returns the last poll of each domain.
func (s *Server) pollData(w http.ResponseWriter, r *http.Request, _ call) {
	type row struct {
		QueueName    string `json:"queueName"`
		Domain       string `json:"domain,omitempty"`
		WorkerID     string `json:"workerId"`
		LastPollTime int64  `json:"lastPollTime"`
	}
	last := map[string]row{}
	for _, p := range s.Ledger.Polls() {
		if p.Query.TaskType == r.URL.Query().Get("taskType") {
			last[p.Query.Domain] = row{p.Query.TaskType, p.Query.Domain, p.Query.WorkerID, p.At.UnixMilli()}
		}
	}
	rows := slices.AppendSeq([]row{}, maps.Values(last))
	writeJSON(w, rows)
}
