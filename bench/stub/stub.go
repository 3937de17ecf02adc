// Package stub is a Conductor server that uses very little CPU: it delivers one
// task repeatedly with new IDs and records when each was updated. It implements
// the calls of the compared workers, as Conductor 3.32 does.
package stub

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options configure a server.
type Options struct {
	Task    []byte // JSON of a task; @id is replaced by the task's ID, @scheduled and @started by times
	Fills   bool   // a poll waits for the requested number of tasks, as with an SQL store
	Endless bool   // the queue is never empty
}

// tick is the interval in which a server with an SQL store checks its queue while
// a poll waits.
const tick = 100 * time.Millisecond

// Server is the stub. It is safe for concurrent use.
type Server struct {
	options Options
	pieces  [][]byte // of the task's JSON, without the marks between them
	marks   [][]byte

	mu       sync.Mutex
	next     int
	queue    []string
	queued   map[string]time.Time
	arrived  chan struct{} // closed and replaced when a task is queued
	updates  []Update
	count    int // of all updates
	polls    int
	first    time.Time // of the first poll
	finished []bool    // by the number of the task
	twice    int
}

// kept is one of how many updates of endless tasks is kept, to save CPU that the
// worker needs.
const kept = 64

// Update is a received update.
type Update struct {
	ID     string
	At     time.Time
	Queued time.Time // zero for endless tasks
	Body   []byte
}

// New returns a server.
func New(o Options) *Server {
	mark := regexp.MustCompile(`@id|@scheduled|@started`)
	s := &Server{options: o, marks: mark.FindAll(o.Task, -1), arrived: make(chan struct{}), queued: map[string]time.Time{}}
	for _, piece := range mark.Split(string(o.Task), -1) {
		s.pieces = append(s.pieces, []byte(piece))
	}
	return s
}

// Enqueue queues a task.
func (s *Server) Enqueue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.name()
	s.queue = append(s.queue, id)
	s.queued[id] = time.Now()
	close(s.arrived)
	s.arrived = make(chan struct{})
}

func (s *Server) name() string {
	s.next++
	id := []byte("task-000000000")
	for i, n := len(id)-1, s.next; n > 0; i, n = i-1, n/10 {
		id[i] = byte('0' + n%10)
	}
	return string(id)
}

// State holds counts.
type State struct {
	Updates int
	Polls   int
	First   time.Time // the first poll
	Twice   int       // repeated updates of a task
}

// State returns the counts.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{Updates: s.count, Polls: s.polls, First: s.first, Twice: s.twice}
}

// Updates returns the updates so far; of endless tasks some only.
func (s *Server) Updates() []Update {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.updates)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api")
	switch {
	case strings.HasPrefix(path, "/tasks/poll/"):
		s.poll(w, r, strings.HasPrefix(path, "/tasks/poll/batch/"))
	case path == "/tasks" && r.Method == http.MethodPost:
		s.update(w, r)
	case path == "/tasks/update-v2" && r.Method == http.MethodPost:
		s.updateAndPoll(w, r)
	case strings.HasPrefix(path, "/tasks/task-"):
		writeJSON(w, s.render(nil, strings.TrimPrefix(path, "/tasks/")))
	case strings.HasPrefix(path, "/metadata/taskdefs/") && r.Method == http.MethodGet:
		writeJSON(w, []byte(`{"name":"get_signed_jwt","responseTimeoutSeconds":30}`))
	default:
		notFound(w, r)
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, `{"status":404,"message":"not found","instance":"stub","retryable":false}`)
}

func (s *Server) poll(w http.ResponseWriter, r *http.Request, batch bool) {
	count := parameter(r.URL.RawQuery, "count=", 1)
	timeout := time.Duration(parameter(r.URL.RawQuery, "timeout=", int(tick.Milliseconds()))) * time.Millisecond
	s.mu.Lock()
	s.polls++
	if s.first.IsZero() {
		s.first = time.Now()
	}
	s.mu.Unlock()
	if !batch {
		ids := s.take(r.Context(), 1, 0)
		if len(ids) == 0 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		writeJSON(w, s.render(nil, ids[0]))
		return
	}
	ids := s.take(r.Context(), count, timeout)
	body := append(make([]byte, 0, 2+len(ids)*(len(s.options.Task)+64)), '[')
	for i, id := range ids {
		if i > 0 {
			body = append(body, ',')
		}
		body = s.render(body, id)
	}
	writeJSON(w, append(body, ']'))
}

// parameter returns a number in a query.
func parameter(query, name string, otherwise int) int {
	for part := range strings.SplitSeq(query, "&") {
		if text, ok := strings.CutPrefix(part, name); ok {
			if n, err := strconv.Atoi(text); err == nil {
				return n
			}
		}
	}
	return otherwise
}

// take pops up to n tasks. It waits for the first of them or, if Fills is set, for
// all.
func (s *Server) take(ctx context.Context, n int, timeout time.Duration) []string {
	ids, arrived := s.pop(n)
	if len(ids) == n || timeout <= 0 || len(ids) > 0 && !s.options.Fills {
		return ids
	}
	over := time.NewTimer(timeout)
	defer over.Stop()
	for {
		if s.options.Fills {
			arrived = nil
		}
		var again <-chan time.Time
		if s.options.Fills {
			again = time.After(tick)
		}
		select {
		case <-arrived:
		case <-again:
		case <-over.C:
			more, _ := s.pop(n - len(ids))
			return append(ids, more...)
		case <-ctx.Done():
			return ids
		}
		var more []string
		more, arrived = s.pop(n - len(ids))
		ids = append(ids, more...)
		if len(ids) == n || len(ids) > 0 && !s.options.Fills {
			return ids
		}
	}
}

func (s *Server) pop(n int) ([]string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.options.Endless {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = s.name()
		}
		return ids, nil
	}
	n = min(n, len(s.queue))
	ids := s.queue[:n:n]
	s.queue = s.queue[n:]
	return ids, s.arrived
}

// render appends a task that is given out now. An endless task has always been
// queued.
func (s *Server) render(dst []byte, id string) []byte {
	now := time.Now()
	s.mu.Lock()
	scheduled, known := s.queued[id]
	s.mu.Unlock()
	if !known {
		scheduled = now.Add(-time.Minute)
	}
	for i, piece := range s.pieces {
		dst = append(dst, piece...)
		if i == len(s.marks) {
			break
		}
		switch string(s.marks[i]) {
		case "@id":
			dst = append(dst, id...)
		case "@scheduled":
			dst = strconv.AppendInt(dst, scheduled.UnixMilli(), 10)
		case "@started":
			dst = strconv.AppendInt(dst, now.UnixMilli(), 10)
		}
	}
	return dst
}

func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	id, ok := s.note(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	_, _ = io.WriteString(w, id)
}

// updateAndPoll is POST /tasks/update-v2, which returns the next task, if there is
// one.
func (s *Server) updateAndPoll(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.note(w, r); !ok {
		return
	}
	ids, _ := s.pop(1)
	if len(ids) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeJSON(w, s.render(nil, ids[0]))
}

func (s *Server) note(w http.ResponseWriter, r *http.Request) (string, bool) {
	body, err := io.ReadAll(r.Body)
	at := time.Now()
	id := taskID(body)
	if err != nil || id == "" {
		http.Error(w, "an update without a task id", http.StatusBadRequest)
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	number, err := strconv.Atoi(strings.TrimPrefix(id, "task-"))
	if err != nil || number < 1 || number > s.next {
		http.Error(w, "an update of an unknown task", http.StatusNotFound)
		return "", false
	}
	if more := number + 1 - len(s.finished); more > 0 {
		s.finished = append(s.finished, make([]bool, more)...)
	}
	if s.finished[number] {
		s.twice++
	}
	s.finished[number] = true
	if s.count++; !s.options.Endless || s.count%kept == 0 {
		s.updates = append(s.updates, Update{ID: id, At: at, Queued: s.queued[id], Body: body})
	}
	return id, true
}

// taskID finds the ID without decoding the body, to save CPU.
func taskID(body []byte) string {
	const name, prefix = `"taskId"`, "task-"
	_, rest, ok := bytes.Cut(body, []byte(name))
	if !ok {
		return ""
	}
	from := bytes.Index(rest, []byte(prefix))
	if from < 0 || from > 8 {
		return ""
	}
	end := bytes.IndexByte(rest[from:], '"')
	if end < 0 {
		return ""
	}
	return string(rest[from : from+end])
}

func writeJSON(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) //nolint:gosec // json, for workers
}

// Task returns a GET_SIGNED_JWT task as the server sends it, with the key inlined.
func Task(algorithm, key string) ([]byte, error) {
	parameters := map[string]any{
		"subject": "${workflow.input.subject}", "issuer": "${workflow.input.issuer}",
		"privateKey": "${workflow.secrets.jwt-privatekey}", "privateKeyId": "key-123",
		"audience": "${workflow.input.audience}", "ttlInSecond": 3600,
		"scopes": "${workflow.input.scope}", "algorithm": algorithm,
	}
	definition := map[string]any{
		"createTime": 0, "createdBy": "", "name": "get_signed_jwt", "description": "", "retryCount": 3,
		"timeoutSeconds": 120, "inputKeys": []string{}, "outputKeys": []string{}, "timeoutPolicy": "TIME_OUT_WF",
		"retryLogic": "FIXED", "retryDelaySeconds": 5, "responseTimeoutSeconds": 30, "inputTemplate": map[string]any{},
		"rateLimitPerFrequency": 0, "rateLimitFrequencyInSeconds": 1, "ownerEmail": "owner@example.com",
		"pollTimeoutSeconds": 3600, "backoffScaleFactor": 1,
	}
	text, err := json.Marshal(map[string]any{
		"taskType": "GET_SIGNED_JWT", "status": "IN_PROGRESS", "referenceTaskName": "get_signed_jwt_ref",
		"inputData": map[string]any{
			"subject": "user-4711", "issuer": "https://issuer.example", "privateKey": key, "privateKeyId": "key-123",
			"audience": "https://api.example", "ttlInSecond": 3600, "scopes": []string{"read", "write"}, "algorithm": algorithm,
		},
		"retryCount": 0, "seq": 1, "pollCount": 1, "taskDefName": "get_signed_jwt", "scheduledTime": "@scheduled",
		"startTime": "@started", "endTime": 0, "updateTime": "@started", "startDelayInSeconds": 0, "retried": false, "executed": false,
		"callbackFromWorker": true, "responseTimeoutSeconds": 0, "workflowInstanceId": "wf-@id", "workflowType": "bench",
		"taskId": "@id", "callbackAfterSeconds": 0, "workerId": "bench", "outputData": map[string]any{},
		"workflowTask": map[string]any{
			"name": "get_signed_jwt", "taskReferenceName": "get_signed_jwt_ref", "inputParameters": parameters,
			"type": "SIMPLE", "decisionCases": map[string]any{}, "defaultCase": []any{}, "forkTasks": []any{},
			"startDelay": 0, "joinOn": []any{}, "optional": false, "taskDefinition": definition,
			"defaultExclusiveJoinTask": []any{}, "asyncComplete": false, "loopOver": []any{}, "permissive": false,
		},
		"rateLimitPerFrequency": 0, "rateLimitFrequencyInSeconds": 0, "workflowPriority": 0, "iteration": 0,
		"subworkflowChanged": false, "firstStartTime": "@started", "taskDefinition": definition, "queueWaitTime": 0,
		"loopOverTask": false,
	})
	for _, mark := range []string{"@scheduled", "@started"} { // numbers
		text = bytes.ReplaceAll(text, []byte(`"`+mark+`"`), []byte(mark))
	}
	return text, err
}
