package conductortest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"conductor-jwt/conductor/api"
)

// The statuses of tasks and workflows that a worker does not report, in
// Conductor's words. The others are package api's.
const (
	Scheduled api.Status = "SCHEDULED"
	TimedOut  api.Status = "TIMED_OUT"
	Canceled  api.Status = "CANCELED"
	Running   api.Status = "RUNNING" // of a workflow
)

func ended(s api.Status) bool {
	return s != Scheduled && s != api.InProgress && s != Running
}

// entry is one attempt of a task. Each retry is an entry of its own, with an
// id of its own.
type entry struct {
	spec     TaskSpec
	def      Definition
	id       string
	first    string // the id of the first attempt
	previous string // retriedTaskId
	seq      int
	retry    int
	polls    int
	input    json.RawMessage // as it is stored

	status    api.Status
	scheduled time.Time
	started   time.Time
	due       time.Time // when it may be polled
	lease     time.Time // when the server gives up on the worker; zero is never
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

// queue is what waits for one type and domain.
type queue struct {
	ready   []*entry // first in, first out
	delayed []*entry
	ghosts  []*pollInHand // polls whose caller has gone
}

func queueName(taskType, domain string) string {
	if domain == "" {
		return taskType
	}
	return domain + ":" + taskType
}

// queueOf is the queue of a type and domain. The caller holds the lock.
func (l *Ledger) queueOf(taskType, domain string) *queue {
	name := queueName(taskType, domain)
	q := l.queues[name]
	if q == nil {
		q = &queue{}
		l.queues[name] = q
	}
	return q
}

// schedule queues an entry for polling from due on. The caller holds the lock.
func (l *Ledger) schedule(e *entry, due time.Time) {
	e.status, e.due, e.lease = Scheduled, due, time.Time{}
	delete(l.leased, e.id)
	q := l.queueOf(e.spec.Type, e.spec.Domain)
	q.delayed = append(q.delayed, e)
}

// settle brings the state up to now: leases that have run out, tasks that have
// become due, polls that nobody waits for any more. The caller holds the lock.
func (l *Ledger) settle() {
	now := l.now()
	for _, e := range l.expired(now) {
		l.end(e, TimedOut, e.lease)
	}
	for _, q := range l.queues {
		q.promote(now)
		l.feedGhosts(q, now)
	}
}

// expired is the tasks whose worker was silent for too long, oldest first.
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

// promote moves what has become due to the ready end of the queue.
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

// next is when the state changes by time alone; zero if it does not. The
// caller holds the lock.
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
		for _, g := range q.ghosts {
			earlier(g.until)
		}
	}
	return next
}

// end ends an attempt, starts the next one where the definition allows it, and
// moves the workflow on. The caller holds the lock.
func (l *Ledger) end(e *entry, status api.Status, at time.Time) {
	l.finish(e, status, at)
	if (status == api.Failed || status == TimedOut) && e.retry < e.def.Retries {
		l.retry(e, at)
		return
	}
	l.advance(l.workflows[e.spec.WorkflowID], e)
}

// finish ends an attempt alone. The caller holds the lock.
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

// advance ends a workflow whose tasks allow it. The caller holds the lock.
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

// workflowEnd is the workflow's status after the last attempt of a task ended
// other than well.
func workflowEnd(task api.Status) api.Status {
	if task == TimedOut {
		return TimedOut
	}
	return api.Failed
}

// stop ends a workflow and cancels what is left of it. The caller holds the lock.
func (l *Ledger) stop(w *workflow, status api.Status) {
	w.status = status
	for _, c := range w.chains {
		if !ended(c.status) {
			l.finish(c, Canceled, l.now())
		}
	}
}

// Forget removes a task and all its attempts, as a removed workflow does;
// updates of it are answered with 404.
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
