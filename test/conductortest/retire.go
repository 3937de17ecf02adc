package conductortest

import (
	"slices"
	"time"
)

// Retired is what a ledger has forgotten: everything of tasks that are over.
type Retired struct {
	Tasks      []Snapshot // the newest attempt of each
	Deliveries []Delivery
	Updates    []Update // those of no task of ours included
}

// Retire gives what is known of the tasks that ended before a time, and
// forgets them, so that a server can be used for hours. The error is the first
// violation of the invariant of [Ledger.Check] among them; whoever is late
// with an update of one of them is answered with 404.
func (l *Ledger) Retire(before time.Time) (Retired, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	var out Retired
	gone := map[string]bool{} // by the id of the first attempt
	l.order = slices.DeleteFunc(l.order, func(e *entry) bool {
		if !l.workflows[e.spec.WorkflowID].over(before) {
			return false
		}
		gone[e.first] = true
		out.Tasks = append(out.Tasks, e.last().snapshot())
		return true
	})
	err := l.retireDeliveries(&out, gone)
	if wrong := l.retireUpdates(&out, gone, before); err == nil {
		err = wrong
	}
	for _, t := range out.Tasks {
		for e := l.tasks[t.First]; e != nil; e = e.next {
			delete(l.tasks, e.id)
			delete(l.ofTask, e.id)
		}
		delete(l.workflows, t.WorkflowID)
	}
	l.polls = slices.DeleteFunc(l.polls, func(p *Poll) bool { return !p.Ended.IsZero() && p.Ended.Before(before) })
	return out, err
}

// over reports whether a workflow and all its tasks ended before a time.
func (w *workflow) over(before time.Time) bool {
	return ended(w.status) && !slices.ContainsFunc(w.chains, func(e *entry) bool {
		return !ended(e.status) || !e.ended.Before(before)
	})
}

// last is the newest attempt.
func (e *entry) last() *entry {
	for e.next != nil {
		e = e.next
	}
	return e
}

// retireDeliveries moves the deliveries of what is gone, and checks them. The
// caller holds the lock.
func (l *Ledger) retireDeliveries(out *Retired, gone map[string]bool) (err error) {
	l.deliveries = slices.DeleteFunc(l.deliveries, func(d *Delivery) bool {
		if !gone[d.First] {
			return false
		}
		if wrong := l.explainDelivery(d); err == nil {
			err = wrong
		}
		out.Deliveries = append(out.Deliveries, *d)
		return true
	})
	return err
}

// retireUpdates moves the updates of what is gone and those of nothing that
// was delivered, and checks them. The caller holds the lock.
func (l *Ledger) retireUpdates(out *Retired, gone map[string]bool, before time.Time) (err error) {
	l.updates = slices.DeleteFunc(l.updates, func(u *Update) bool {
		if u.delivery == nil && !u.At.Before(before) || u.delivery != nil && !gone[u.delivery.First] {
			return false
		}
		if wrong := l.explainUpdate(u); err == nil {
			err = wrong
		}
		out.Updates = append(out.Updates, *u)
		return true
	})
	return err
}

// DropSecret ends what SetSecret defined.
func (l *Ledger) DropSecret(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.secrets, name)
}

// DropRequests forgets the requests so far.
func (s *Server) DropRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}
