package conductortest

import (
	"slices"
	"time"
)

// Retired holds the records of ended tasks.
type Retired struct {
	Tasks      []Snapshot // the newest attempt of each
	Deliveries []Delivery
	Updates    []Update // including those of unknown tasks
}

// Retire removes and returns the tasks that ended before a time, so that a server
// can be used for hours. The error is the first violation of [Ledger.Check] among
// them. The server answers 404 to later updates of them.
func (l *Ledger) Retire(before time.Time) (Retired, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	var out Retired
	retired := map[string]bool{} // by the id of the first attempt
	l.order = slices.DeleteFunc(l.order, func(e *entry) bool {
		if !l.workflows[e.spec.WorkflowID].endedBefore(before) {
			return false
		}
		retired[e.first] = true
		out.Tasks = append(out.Tasks, e.last().snapshot())
		return true
	})
	err := l.retireDeliveries(&out, retired)
	if updateErr := l.retireUpdates(&out, retired, before); err == nil {
		err = updateErr
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

// endedBefore reports whether a workflow and all its tasks ended before a time.
func (w *workflow) endedBefore(before time.Time) bool {
	return ended(w.status) && !slices.ContainsFunc(w.chains, func(e *entry) bool {
		return !ended(e.status) || !e.ended.Before(before)
	})
}

// last returns the newest attempt.
func (e *entry) last() *entry {
	for e.next != nil {
		e = e.next
	}
	return e
}

// retireDeliveries moves and checks the deliveries of retired tasks. The caller
// holds the lock.
func (l *Ledger) retireDeliveries(out *Retired, retired map[string]bool) (err error) {
	l.deliveries = slices.DeleteFunc(l.deliveries, func(d *Delivery) bool {
		if !retired[d.First] {
			return false
		}
		if violation := l.describeDelivery(d); err == nil {
			err = violation
		}
		out.Deliveries = append(out.Deliveries, *d)
		return true
	})
	return err
}

// retireUpdates moves and checks the updates of retired tasks and of tasks that
// were not delivered. The caller holds the lock.
func (l *Ledger) retireUpdates(out *Retired, retired map[string]bool, before time.Time) (err error) {
	l.updates = slices.DeleteFunc(l.updates, func(u *Update) bool {
		if u.delivery == nil && !u.At.Before(before) || u.delivery != nil && !retired[u.delivery.First] {
			return false
		}
		if violation := l.describeUpdate(u); err == nil {
			err = violation
		}
		out.Updates = append(out.Updates, *u)
		return true
	})
	return err
}

// DropSecret removes a secret.
func (l *Ledger) DropSecret(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.secrets, name)
}

// DropRequests removes the recorded requests.
func (s *Server) DropRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}
