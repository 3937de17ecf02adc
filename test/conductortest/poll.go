package conductortest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// pollInHand is a poll that is being served.
type pollInHand struct {
	query  conductor.Query
	record *Poll
	want   int
	twice  bool // every task is handed over twice
	until  time.Time
	taken  []*entry // popped: still SCHEDULED, and nobody's
}

func (p *pollInHand) full() bool { return len(p.taken) >= p.want }

// leasedTask is a task as it is handed to a worker: a copy, secrets resolved.
type leasedTask struct {
	entry
	metadata map[string]string
}

// poll serves one poll to its end.
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
		change, wait, done := l.collect(p, q.Timeout <= 0)
		if done {
			return l.hand(p), nil
		}
		look := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			look.Stop()
			l.abandon(p)
			return nil, network("poll", context.Cause(ctx))
		case <-timeout.C:
			look.Stop()
			_, _, _ = l.collect(p, true)
			return l.hand(p), nil
		case <-change:
		case <-look.C:
		}
		look.Stop()
	}
}

func (l *Ledger) begin(q conductor.Query, f Fault) *pollInHand {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	r := &Poll{Query: q, At: now}
	l.polls = append(l.polls, r)
	l.wake() // for who waits for a poll
	return &pollInHand{
		query: q, record: r, want: q.Count + f.Extra, twice: f.Twice, until: now.Add(max(q.Timeout, 0)),
	}
}

// collect pops what there is, and says whether the poll is over or what it has
// to wait for.
func (l *Ledger) collect(p *pollInHand, last bool) (change <-chan struct{}, wait time.Duration, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	l.fill(p)
	if last || p.full() || l.mode == FirstMessage && len(p.taken) > 0 {
		return nil, 0, true
	}
	if l.mode == FillOrTimeout {
		return nil, tick, false // it looks at its ticks and at no other time
	}
	wait = MaxPollTimeout
	if next := l.nextChange(); !next.IsZero() {
		wait = max(next.Sub(l.now()), 0)
	}
	return l.change(), wait, false
}

// fill pops up to what the poll still wants. The caller holds the lock.
func (l *Ledger) fill(p *pollInHand) {
	q := l.queueOf(p.query.TaskType, p.query.Domain)
	p.taken = append(p.taken, q.pop(p.want-len(p.taken))...)
}

// hand leases what a poll has popped.
func (l *Ledger) hand(p *pollInHand) []leasedTask {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease(p)
}

// lease leases what a poll has popped to its worker. The caller holds the lock.
func (l *Ledger) lease(p *pollInHand) []leasedTask {
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

// abandon goes on with a poll whose caller has gone: the server does not
// notice, pops for it, and leases to it.
func (l *Ledger) abandon(p *pollInHand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.record.Abandoned = true
	q := l.queueOf(p.query.TaskType, p.query.Domain)
	q.ghosts = append(q.ghosts, p)
	l.settle()
	l.wake()
}

// feedGhosts serves the polls whose callers have gone. The caller holds the lock.
func (l *Ledger) feedGhosts(q *queue, now time.Time) {
	q.ghosts = slices.DeleteFunc(q.ghosts, func(g *pollInHand) bool {
		over := !g.until.After(now)
		if !over {
			g.taken = append(g.taken, q.pop(g.want-len(g.taken))...)
		}
		if !over && !g.full() && (l.mode == FillOrTimeout || len(g.taken) == 0) {
			return false
		}
		l.lease(g)
		return true
	})
}
