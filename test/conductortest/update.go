package conductortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
)

// maxReason is the length to which the server truncates reasonForIncompletion.
const maxReason = 500

// update processes an update by the server's rules.
func (l *Ledger) update(r api.Result) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	u := &Update{Result: r, At: l.now()}
	l.updates = append(l.updates, u)
	err := l.judge(u)
	if err != nil {
		u.Effect = Refused
	}
	l.assign(u)
	if u.Effect == Applied {
		l.apply(u)
		l.settle()
		l.wake()
	}
	return err
}

// judge sets the effect of an update. The caller holds the lock.
func (l *Ledger) judge(u *Update) error {
	r := u.Result
	if r.TaskID == "" || r.WorkflowID == "" {
		return refused("update", 400)
	}
	switch r.Status {
	case api.Completed, api.Failed, api.FailedWithTerminalError, api.InProgress, Canceled:
	default:
		return refused("update", 500)
	}
	if raw := bytes.TrimSpace(r.Output.Reveal()); len(raw) > 0 && string(raw) != "null" &&
		(raw[0] != '{' || !json.Valid(raw)) {
		return refused("update", 500)
	}
	w, e := l.workflows[r.WorkflowID], l.tasks[r.TaskID]
	switch {
	case w == nil, e == nil: // the workflow is looked up first; both are 404
		return refused("update", 404)
	case ended(e.status), ended(w.status):
		u.Effect = Ignored
	default:
		u.Effect = Applied
	}
	return nil
}

// assign assigns an update to a delivery: the newest of the task to that
// worker, open ones first. The caller holds the lock.
func (l *Ledger) assign(u *Update) {
	var found *Delivery
	for _, d := range l.ofTask[u.Result.TaskID] {
		if found == nil || rank(d, u.Result.WorkerID) >= rank(found, u.Result.WorkerID) {
			found = d
		}
	}
	if found == nil {
		return
	}
	u.delivery = found
	found.Updates = append(found.Updates, u)
}

func rank(d *Delivery, worker string) int {
	n := 0
	if d.WorkerID == worker {
		n += 2
	}
	if !d.closed() {
		n++
	}
	return n
}

// apply changes the state by an update. The caller holds the lock.
func (l *Ledger) apply(u *Update) {
	r, e, now := u.Result, l.tasks[u.Result.TaskID], l.now()
	e.output, e.reason = bytes.Clone(r.Output.Reveal()), truncate(r.Reason)
	for _, line := range r.Logs {
		e.logs = append(e.logs, line.Text)
	}
	if r.Status == api.InProgress {
		if e.delivery != nil && !e.delivery.closed() {
			e.delivery.close(EndGivenBack, now)
		}
		l.schedule(e, now.Add(r.CallbackAfter))
		return
	}
	if e.delivery != nil && !e.delivery.closed() {
		e.delivery.close(EndReported, now)
	}
	if r.WorkflowID != e.spec.WorkflowID {
		l.finish(e, r.Status, now) // its own workflow does not advance
		return
	}
	l.end(e, r.Status, now)
}

func truncate(reason string) string {
	runes := []rune(reason)
	return string(runes[:min(len(runes), maxReason)])
}

func (s *Server) updateTask(w http.ResponseWriter, r *http.Request, c call) {
	if r.Header.Get("Content-Encoding") != "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		problem(w, http.StatusInternalServerError, "JSON parse error")
		return
	}
	if result, _, ok := s.take(w, c); ok {
		plainText(w, result.TaskID)
	}
}

// updateTaskV2 is POST /api/tasks/update-v2, which conductor-python uses: the
// response is the next task of the same queue, for which the server waits 100 ms,
// or 204.
func (s *Server) updateTaskV2(w http.ResponseWriter, r *http.Request, c call) {
	before, known := s.Ledger.Task(c.TaskID)
	result, extend, ok := s.take(w, c)
	if !ok {
		return
	}
	if extend || !known || ended(before.Status) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	tasks, err := s.Ledger.poll(r.Context(), conductor.Query{
		TaskType: before.Type, Domain: before.Domain, WorkerID: result.WorkerID, Count: 1, Timeout: 100 * time.Millisecond,
	}, Fault{})
	if err != nil || len(tasks) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeJSON(w, tasks[0].polled())
}

// take processes an update or the extension of a lease. If it fails, it writes
// the response and ok is false.
func (s *Server) take(w http.ResponseWriter, c call) (result api.Result, extend, ok bool) {
	result, extend, ok = readUpdate(c.body)
	if !ok {
		problem(w, http.StatusInternalServerError, "JSON parse error")
		return result, false, false
	}
	if extend {
		s.Ledger.extend(result.TaskID)
		return result, true, true
	}
	if e, ok := errors.AsType[*conductor.Error](s.Ledger.update(result)); ok {
		problem(w, e.Status, "No such task found by id: "+result.TaskID)
		return result, false, false
	}
	return result, false, true
}

// readUpdate reads an update as the server does; it ignores unknown members.
func readUpdate(body []byte) (r api.Result, extend, ok bool) {
	var u struct {
		TaskID                string          `json:"taskId"`
		WorkflowInstanceID    string          `json:"workflowInstanceId"`
		WorkerID              string          `json:"workerId"`
		Status                api.Status      `json:"status"`
		ReasonForIncompletion string          `json:"reasonForIncompletion"`
		OutputData            json.RawMessage `json:"outputData"`
		CallbackAfterSeconds  int64           `json:"callbackAfterSeconds"`
		ExtendLease           bool            `json:"extendLease"`
		Logs                  []struct {
			Log         string `json:"log"`
			CreatedTime int64  `json:"createdTime"`
		} `json:"logs"`
	}
	if json.Unmarshal(body, &u) != nil {
		return r, false, false
	}
	r = api.Result{
		TaskID: u.TaskID, WorkflowID: u.WorkflowInstanceID, WorkerID: u.WorkerID, Status: u.Status,
		Reason: u.ReasonForIncompletion, Output: secret.NewJSON(u.OutputData),
		CallbackAfter: time.Duration(u.CallbackAfterSeconds) * time.Second,
	}
	for _, l := range u.Logs {
		r.Logs = append(r.Logs, api.Log{Text: l.Log, At: time.UnixMilli(l.CreatedTime)})
	}
	return r, u.ExtendLease, true
}

// extend extends a lease.
func (l *Ledger) extend(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	e := l.leased[id]
	if e == nil || e.lease.IsZero() {
		return
	}
	e.lease = l.now().Add(e.def.ResponseTimeout)
	e.delivery.Lease = e.lease
}
