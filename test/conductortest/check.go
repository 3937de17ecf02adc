package conductortest

import (
	"bytes"
	"fmt"

	"conductor-jwt/conductor/api"
)

// Check checks the invariant of a server that lost nothing, and returns the first
// violation:
//
//   - each delivery has one terminal update, or was given back, or timed out with
//     a retry left;
//   - an update names a task that was delivered, and its workflow;
//   - two terminal updates of a delivery are the same, unless a fault delivered
//     the task twice.
//
// A delivery whose lease has not ended is a violation: call Check when the worker
// has stopped.
func (l *Ledger) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	for _, d := range l.deliveries {
		if err := l.describeDelivery(d); err != nil {
			return err
		}
	}
	for _, u := range l.updates {
		if err := l.describeUpdate(u); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) describeDelivery(d *Delivery) error {
	if err := l.checkDelivery(d); err != nil {
		return fmt.Errorf("delivery of %s to %q at %s (retry %d, poll %d): %w",
			d.TaskID, d.WorkerID, d.At.Format("15:04:05.000"), d.Retry, d.Polls, err)
	}
	return nil
}

func (l *Ledger) describeUpdate(u *Update) error {
	if err := l.checkUpdate(u); err != nil {
		return fmt.Errorf("update of %s by %q as %s at %s: %w", u.Result.TaskID,
			u.Result.WorkerID, u.Result.Status, u.At.Format("15:04:05.000"), err)
	}
	return nil
}

func (l *Ledger) checkDelivery(d *Delivery) error {
	if err := checkUpdates(d); err != nil {
		return err
	}
	switch d.End {
	case Open:
		if d.Lease.IsZero() {
			return fmt.Errorf("lost: no terminal update, not given back, and no response timeout to redeliver it")
		}
		return fmt.Errorf("no terminal update and not given back; the lease ends at %s", d.Lease.Format("15:04:05.000"))
	case EndTimedOut:
		if e := l.tasks[d.TaskID]; e != nil && e.next == nil {
			return fmt.Errorf("lost: timed out at %s with no retry left", d.Ended.Format("15:04:05.000"))
		}
	}
	return nil
}

// checkUpdates checks the updates of one delivery.
func checkUpdates(d *Delivery) error {
	var terminal *Update
	givenBack := false
	for _, u := range d.Updates {
		if u.Effect == Refused {
			continue
		}
		if u.Result.Status == api.InProgress {
			givenBack = givenBack || u.Effect == Applied
			continue
		}
		if givenBack {
			return fmt.Errorf("%s after it was given back", u.Result.Status)
		}
		if terminal != nil && !same(terminal, u, d.Twice) {
			return fmt.Errorf("two terminal updates that differ: %s, then %s", terminal.Result.Status, u.Result.Status)
		}
		terminal = u
	}
	return nil
}

// same reports whether an update repeats another, as a retry after a lost response
// does. The tokens may differ if a fault delivered the task twice.
func same(a, b *Update, twice bool) bool {
	x, y := a.Result, b.Result
	if twice && x.Status == y.Status {
		return true
	}
	return x.Status == y.Status && x.Reason == y.Reason && x.WorkflowID == y.WorkflowID &&
		bytes.Equal(x.Output.Reveal(), y.Output.Reveal())
}

func (l *Ledger) checkUpdate(u *Update) error {
	if u.delivery == nil {
		return fmt.Errorf("the task was never delivered")
	}
	if u.delivery.WorkflowID != u.Result.WorkflowID {
		return fmt.Errorf("it names workflow %q, the task belongs to %q", u.Result.WorkflowID, u.delivery.WorkflowID)
	}
	return nil
}
