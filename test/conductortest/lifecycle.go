package conductortest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"conductor-jwt/conductor/api"
)

// The statuses of tasks and workflows that a worker does not report.
const (
	Scheduled api.Status = "SCHEDULED"
	TimedOut  api.Status = "TIMED_OUT"
	Canceled  api.Status = "CANCELED"
	Running   api.Status = "RUNNING" // of a workflow
)

func ended(s api.Status) bool {
	return s != Scheduled && s != api.InProgress && s != Running
}

// entry is one attempt of a task. Each retry is another entry with another ID.
type entry struct {
	spec     TaskSpec
	def      Definition
	id       string
	first    string // the id of the first attempt
	previous string // retriedTaskId
	seq      int
	retry    int
	polls    int
	input    json.RawMessage // as stored

	status    api.Status
	scheduled time.Time
	started   time.Time
	due       time.Time // when it may be polled
	lease     time.Time // when the response timeout ends; zero is never
	worker    string
	output    json.RawMessage
	reason    string
	ended     time.Time
	logs      []string
	delivery  *Delivery // the open one
	next      *entry    // the retry
}

// workflow is a set of tasks that end together.
type workflow struct {
	id     string
	status api.Status
	chains []*entry // the newest attempt of each task
}

// queue is the queue of a type and domain.
type queue struct {
	ready     []*entry // first in, first out
	delayed   []*entry
	abandoned []*pendingPoll // polls whose caller has disconnected
}

func queueName(taskType, domain string) string {
	if domain == "" {
		return taskType
	}
	return domain + ":" + taskType
}

// queueOf returns the queue of a type and domain. The caller holds the lock.
func (l *Ledger) queueOf(taskType, domain string) *queue {
	name := queueName(taskType, domain)
	q := l.queues[name]
	if q == nil {
		q = &queue{}
		l.queues[name] = q
	}
	return q
}

// schedule makes an entry available to polls from due on. The caller holds the
// lock.
func (l *Ledger) schedule(e *entry, due time.Time) {
	e.status, e.due, e.lease = Scheduled, due, time.Time{}
	delete(l.leased, e.id)
	q := l.queueOf(e.spec.Type, e.spec.Domain)
	q.delayed = append(q.delayed, e)
}

// settle applies what has happened by the passing of time: expired leases, due
// tasks, abandoned polls. The caller holds the lock.
func (l *Ledger) settle() {
	now := l.now()
	for _, e := range l.expired(now) {
		l.end(e, TimedOut, e.lease)
	}
	for _, q := range l.queues {
		q.promote(now)
		l.serveAbandoned(q, now)
	}
}

// expired returns the tasks whose lease has ended, oldest first.
func (l *Ledger) expired(now time.Time) []*entry {
	var out []*entry
	for _, e := range l.leased {
		if !e.lease.IsZero() && !e.lease.After(now) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *entry) int {
		return cmp.Or(a.lease.Compare(b.lease), cmp.Compare(a.seq, b.seq))
	})
	return out
}

// promote moves due tasks to the ready list.
func (q *queue) promote(now time.Time) {
	var due []*entry
	q.delayed = slices.DeleteFunc(q.delayed, func(e *entry) bool {
		if ended(e.status) {
			return true
		}
		if e.due.After(now) {
			return false
		}
		due = append(due, e)
		return true
	})
	slices.SortStableFunc(due, func(a, b *entry) int { return a.due.Compare(b.due) })
	q.ready = append(q.ready, due...)
}

// pop takes up to n ready tasks from the queue.
func (q *queue) pop(n int) []*entry {
	var out []*entry
	for len(out) < n && len(q.ready) > 0 {
		if e := q.ready[0]; e.status == Scheduled {
			out = append(out, e)
		}
		q.ready = q.ready[1:]
	}
	return out
}

// nextChange returns when the state next changes by the passing of time, or zero.
// The caller holds the lock.
func (l *Ledger) nextChange() time.Time {
	var next time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, e := range l.leased {
		earlier(e.lease)
	}
	for _, q := range l.queues {
		for _, e := range q.delayed {
			earlier(e.due)
		}
		for _, g := range q.abandoned {
			earlier(g.until)
		}
	}
	return next
}

// end ends an attempt and either retries the task or advances the workflow. The
// caller holds the lock.
func (l *Ledger) end(e *entry, status api.Status, at time.Time) {
	l.finish(e, status, at)
	if (status == api.Failed || status == TimedOut) && e.retry < e.def.Retries {
		l.retry(e, at)
		return
	}
	l.advance(l.workflows[e.spec.WorkflowID], e)
}

// finish ends an attempt without a retry. The caller holds the lock.
func (l *Ledger) finish(e *entry, status api.Status, at time.Time) {
	e.status, e.ended = status, at
	l.unended--
	delete(l.leased, e.id)
	if e.delivery != nil && !e.delivery.closed() {
		switch status {
		case TimedOut:
			e.delivery.close(EndTimedOut, at)
		case Canceled:
			e.delivery.close(EndCanceled, at)
		}
	}
}

func (l *Ledger) retry(e *entry, at time.Time) {
	retry := e.retry + 1
	n := &entry{
		spec: e.spec, def: e.def, first: e.first, previous: e.id, seq: e.seq, retry: retry,
		id: fmt.Sprintf("%s-retry-%d", e.first, retry), input: e.input,
		scheduled: at, reason: e.reason,
	}
	e.next = n
	l.tasks[n.id] = n
	l.unended++
	w := l.workflows[e.spec.WorkflowID]
	for i, c := range w.chains {
		if c == e {
			w.chains[i] = n
		}
	}
	l.schedule(n, at.Add(e.def.retryDelay(e.retry)))
}

// advance ends a workflow if its tasks have ended or one has failed. The caller
// holds the lock.
func (l *Ledger) advance(w *workflow, last *entry) {
	if ended(w.status) {
		return
	}
	if last.status != api.Completed {
		l.stop(w, workflowEnd(last.status))
		return
	}
	for _, c := range w.chains {
		if !ended(c.status) {
			return
		}
	}
	w.status = api.Completed
}

// workflowEnd returns the workflow's status after the last attempt of a task
// failed.
func workflowEnd(task api.Status) api.Status {
	if task == TimedOut {
		return TimedOut
	}
	return api.Failed
}

// stop ends a workflow and cancels its open tasks. The caller holds the lock.
func (l *Ledger) stop(w *workflow, status api.Status) {
	w.status = status
	for _, c := range w.chains {
		if !ended(c.status) {
			l.finish(c, Canceled, l.now())
		}
	}
}

// Forget removes a task and all its attempts, as the removal of a workflow does.
// The server then answers 404 to updates.
func (l *Ledger) Forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.tasks[id]
	if e == nil {
		return
	}
	for e = l.tasks[e.first]; e != nil; e = e.next {
		if !ended(e.status) {
			l.finish(e, Canceled, l.now())
		}
		delete(l.tasks, e.id)
	}
	l.wake()
}
