package conductortest

import (
	"bytes"
	"fmt"

	"conductor-jwt/conductor/api"
)

// Check is the one invariant: each delivery has exactly one terminal update, or
// was given back, or was taken back by the server for somebody else; nothing is
// said of a task that was not delivered, nothing twice in different words unless it was
// delivered twice over, and nothing in another workflow's name. It explains the first violation.
//
// A delivery that the worker still has a lease on is a violation, too: call
// Check when the engine has stopped.
func (l *Ledger) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	for _, d := range l.deliveries {
		if err := l.explainDelivery(d); err != nil {
			return err
		}
	}
	for _, u := range l.updates {
		if err := l.explainUpdate(u); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) explainDelivery(d *Delivery) error {
	if err := l.checkDelivery(d); err != nil {
		return fmt.Errorf("delivery of %s to %q at %s (retry %d, poll %d): %w",
			d.TaskID, d.WorkerID, d.At.Format("15:04:05.000"), d.Retry, d.Polls, err)
	}
	return nil
}

func (l *Ledger) explainUpdate(u *Update) error {
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
			return fmt.Errorf("lost: no terminal update, not given back, and no response timeout brings it back")
		}
		return fmt.Errorf("no terminal update and not given back; the lease ends at %s", d.Lease.Format("15:04:05.000"))
	case EndTimedOut:
		if e := l.tasks[d.TaskID]; e != nil && e.next == nil {
			return fmt.Errorf("lost: timed out at %s with no retry left", d.Ended.Format("15:04:05.000"))
		}
	}
	return nil
}

// checkUpdates looks at what was said of one delivery.
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

// same reports whether an update repeats another, as a retry after a lost
// answer does. Of what was delivered twice over there may be two tokens.
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
		return fmt.Errorf("it names workflow %q, the task is of %q", u.Result.WorkflowID, u.delivery.WorkflowID)
	}
	return nil
}
