package conductortest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// End is how a delivery ended.
type End string

// The ends of a delivery.
const (
	Open         End = ""         // the server waits for an update
	EndReported  End = "reported" // by a terminal update that took effect
	EndGivenBack End = "given back"
	EndTimedOut  End = "timed out" // no update within the response timeout
	EndCanceled  End = "canceled"  // its workflow ended
)

// Delivery is one delivery of a task to a worker.
type Delivery struct {
	TaskID, First, WorkflowID, WorkerID string

	Retry   int // retryCount: which attempt
	Polls   int // pollCount: number of deliveries of this attempt
	At      time.Time
	Lease   time.Time // zero without a response timeout
	Twice   bool      // it was in the response twice
	End     End
	Ended   time.Time
	Updates []*Update // in order
}

func (d *Delivery) closed() bool { return d.End != Open }

func (d *Delivery) close(end End, at time.Time) { d.End, d.Ended = end, at }

// Effect is how the server processed an update.
type Effect string

// The effects of an update.
const (
	Applied Effect = "applied"
	Ignored Effect = "ignored" // acknowledged; the task or workflow had ended
	Refused Effect = "refused" // answered with an error
)

// Update is one update that reached the server.
type Update struct {
	Result   api.Result
	At       time.Time
	Effect   Effect
	delivery *Delivery
}

// Poll is one poll that reached the server.
type Poll struct {
	Query     conductor.Query
	At        time.Time
	Ended     time.Time // zero while it waits
	Returned  int       // tasks leased to it
	Abandoned bool      // its caller disconnected
}

// Snapshot is the state of an attempt of a task.
type Snapshot struct {
	ID, First, Type, Domain, Name, WorkflowID, WorkerID string

	Status  api.Status
	Retry   int
	Polls   int
	Input   json.RawMessage // as stored, secrets unresolved
	Output  json.RawMessage
	Reason  string
	Logs    []string
	Queued  time.Time // when this attempt was scheduled
	Started time.Time
	Ended   time.Time
	Due     time.Time // while SCHEDULED: when it may be polled
}

func (e *entry) snapshot() Snapshot {
	return Snapshot{
		ID: e.id, First: e.first, Type: e.spec.Type, Domain: e.spec.Domain, Name: e.spec.Name,
		WorkflowID: e.spec.WorkflowID, WorkerID: e.worker, Status: e.status, Retry: e.retry,
		Polls: e.polls, Input: e.input, Output: e.output, Reason: e.reason,
		Logs: slices.Clone(e.logs), Queued: e.scheduled, Started: e.started, Ended: e.ended, Due: e.due,
	}
}

// Task returns an attempt by its ID; ok is false if it is unknown.
func (l *Ledger) Task(id string) (s Snapshot, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	e, ok := l.tasks[id]
	if !ok {
		return Snapshot{}, false
	}
	return e.snapshot(), true
}

// Last returns the newest attempt of the task with the ID from Enqueue.
func (l *Ledger) Last(id string) (s Snapshot, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	e, ok := l.tasks[id]
	if !ok {
		return Snapshot{}, false
	}
	return e.last().snapshot(), true
}

// Tasks returns the newest attempt of each task, in the order of enqueueing.
func (l *Ledger) Tasks() []Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	out := make([]Snapshot, 0, len(l.order))
	for _, e := range l.order {
		out = append(out, e.last().snapshot())
	}
	return out
}

// Counts returns the number of tasks in each status, by their newest attempts.
func (l *Ledger) Counts() map[api.Status]int {
	counts := map[api.Status]int{}
	for _, s := range l.Tasks() {
		counts[s.Status]++
	}
	return counts
}

// Waiting returns the number of tasks of a queue that can be polled now.
func (l *Ledger) Waiting(taskType, domain string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	n := 0
	for _, e := range l.queueOf(taskType, domain).ready {
		if e.status == Scheduled {
			n++
		}
	}
	return n
}

// Deliveries returns every delivery, in order.
func (l *Ledger) Deliveries() []Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	out := make([]Delivery, 0, len(l.deliveries))
	for _, d := range l.deliveries {
		c := *d
		c.Updates = slices.Clone(d.Updates)
		out = append(out, c)
	}
	return out
}

// Updates returns every update that reached the server, in order.
func (l *Ledger) Updates() []Update {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Update, 0, len(l.updates))
	for _, u := range l.updates {
		out = append(out, *u)
	}
	return out
}

// Polls returns every poll that reached the server, in order.
func (l *Ledger) Polls() []Poll {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	out := make([]Poll, 0, len(l.polls))
	for _, p := range l.polls {
		out = append(out, *p)
	}
	return out
}

// Wait waits until every task has ended. Its error is that of the context.
func (l *Ledger) Wait(ctx context.Context) error {
	return l.WaitFor(ctx, func() bool { return l.Unended() == 0 })
}

// Unended returns the number of tasks that have not ended: queued, in flight, or
// waiting for a retry.
func (l *Ledger) Unended() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	return l.unended
}

// WaitFor waits until done returns true. It calls done after each change of the
// state; done may call any method of the ledger.
func (l *Ledger) WaitFor(ctx context.Context, done func() bool) error {
	for {
		change, wait := l.watch()
		if done() {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-change:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (l *Ledger) watch() (<-chan struct{}, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	wait := MaxPollTimeout
	if next := l.nextChange(); !next.IsZero() {
		wait = max(next.Sub(l.now()), time.Millisecond)
	}
	return l.change(), wait
}
