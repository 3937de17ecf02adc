package conductortest

import (
	"bytes"
	"encoding/json"

	"conductor-jwt/conductor/api"
)

// maxReason is where the server cuts reasonForIncompletion.
const maxReason = 500

// update applies an update by the server's rules.
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
	l.attribute(u)
	if u.Effect == Applied {
		l.apply(u)
		l.settle()
		l.wake()
	}
	return err
}

// judge says what the server makes of an update. The caller holds the lock.
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

// attribute finds the delivery that an update answers: the newest of the task
// to that worker, open ones first. The caller holds the lock.
func (l *Ledger) attribute(u *Update) {
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

// apply lets an update take effect. The caller holds the lock.
func (l *Ledger) apply(u *Update) {
	r, e, now := u.Result, l.tasks[u.Result.TaskID], l.now()
	e.output, e.reason = bytes.Clone(r.Output.Reveal()), cut(r.Reason)
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
		l.finish(e, r.Status, now) // its own workflow never hears of it
		return
	}
	l.end(e, r.Status, now)
}

func cut(reason string) string {
	runes := []rune(reason)
	return string(runes[:min(len(runes), maxReason)])
}
