package conductortest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// pendingPoll is a poll that is being served.
type pendingPoll struct {
	query  conductor.Query
	record *Poll
	want   int
	twice  bool // deliver every task twice
	until  time.Time
	taken  []*entry // popped from the queue, still SCHEDULED
}

func (p *pendingPoll) full() bool { return len(p.taken) >= p.want }

// leasedTask is a task as delivered to a worker: a copy with resolved secrets.
type leasedTask struct {
	entry
	metadata map[string]string
}

// poll serves a poll.
func (l *Ledger) poll(ctx context.Context, q conductor.Query, f Fault) ([]leasedTask, error) {
	if q.Timeout > MaxPollTimeout {
		return nil, refused("poll", 400)
	}
	if q.Count <= 0 {
		return nil, nil
	}
	p := l.begin(q, f)
	timeout := time.NewTimer(max(q.Timeout, 0))
	defer timeout.Stop()
	for {
		change, wait, done := l.tryFill(p, q.Timeout <= 0)
		if done {
			return l.leaseTaken(p), nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			l.abandon(p)
			return nil, network("poll", context.Cause(ctx))
		case <-timeout.C:
			timer.Stop()
			_, _, _ = l.tryFill(p, true)
			return l.leaseTaken(p), nil
		case <-change:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (l *Ledger) begin(q conductor.Query, f Fault) *pendingPoll {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	r := &Poll{Query: q, At: now}
	l.polls = append(l.polls, r)
	l.wake() // a WaitFor may wait for a poll
	return &pendingPoll{
		query: q, record: r, want: q.Count + f.Extra, twice: f.Twice, until: now.Add(max(q.Timeout, 0)),
	}
}

// tryFill pops tasks and reports whether the poll is done; otherwise it returns
// what to wait for.
func (l *Ledger) tryFill(p *pendingPoll, last bool) (change <-chan struct{}, wait time.Duration, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	l.fill(p)
	if last || p.full() || l.mode == FirstMessage && len(p.taken) > 0 {
		return nil, 0, true
	}
	if l.mode == FillOrTimeout {
		return nil, tick, false // it checks the queue at its ticks only
	}
	wait = MaxPollTimeout
	if next := l.nextChange(); !next.IsZero() {
		wait = max(next.Sub(l.now()), 0)
	}
	return l.change(), wait, false
}

// fill pops up to the poll's remaining count. The caller holds the lock.
func (l *Ledger) fill(p *pendingPoll) {
	q := l.queueOf(p.query.TaskType, p.query.Domain)
	p.taken = append(p.taken, q.pop(p.want-len(p.taken))...)
}

// leaseTaken leases the tasks of a poll.
func (l *Ledger) leaseTaken(p *pendingPoll) []leasedTask {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease(p)
}

// lease leases the tasks of a poll to its worker. The caller holds the lock.
func (l *Ledger) lease(p *pendingPoll) []leasedTask {
	now := l.now()
	p.record.Ended, p.record.Returned = now, 0
	out := make([]leasedTask, 0, len(p.taken))
	for _, e := range p.taken {
		if e.status != Scheduled { // ended meanwhile
			continue
		}
		e.status, e.worker = api.InProgress, p.query.WorkerID
		if e.started.IsZero() { // the server keeps the time of the first one
			e.started = now
		}
		e.polls++
		if e.def.ResponseTimeout > 0 {
			e.lease = now.Add(e.def.ResponseTimeout)
		}
		l.leased[e.id] = e
		e.delivery = &Delivery{
			TaskID: e.id, First: e.first, WorkflowID: e.spec.WorkflowID, WorkerID: e.worker,
			Retry: e.retry, Polls: e.polls, At: now, Lease: e.lease, Twice: p.twice,
		}
		l.deliveries = append(l.deliveries, e.delivery)
		l.ofTask[e.id] = append(l.ofTask[e.id], e.delivery)
		p.record.Returned++
		out = append(out, leasedTask{
			entry:    withInput(*e, l.deliverInput(e)),
			metadata: l.deliverMetadata(e.def.RuntimeMetadata),
		})
	}
	if len(out) > 0 {
		l.wake()
	}
	if p.twice {
		out = append(out, out...)
	}
	return out
}

func withInput(e entry, input json.RawMessage) entry {
	e.input = input
	return e
}

// abandon continues a poll whose caller has disconnected: the server does not
// notice and leases tasks to it.
func (l *Ledger) abandon(p *pendingPoll) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.record.Abandoned = true
	q := l.queueOf(p.query.TaskType, p.query.Domain)
	q.abandoned = append(q.abandoned, p)
	l.settle()
	l.wake()
}

// serveAbandoned serves the abandoned polls. The caller holds the lock.
func (l *Ledger) serveAbandoned(q *queue, now time.Time) {
	q.abandoned = slices.DeleteFunc(q.abandoned, func(g *pendingPoll) bool {
		expired := !g.until.After(now)
		if !expired {
			g.taken = append(g.taken, q.pop(g.want-len(g.taken))...)
		}
		if !expired && !g.full() && (l.mode == FillOrTimeout || len(g.taken) == 0) {
			return false
		}
		l.lease(g)
		return true
	})
}
