package worker

import (
	"context"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

const (
	// maxAttempt bounds one update, so that a server that never answers does not
	// use up the lease. minAttempt is the time of a last attempt.
	maxAttempt, minAttempt = 10 * time.Second, time.Second
	// maxGiveBack is how long the worker tries to give a task back.
	maxGiveBack = 3 * time.Second
)

// End is how a delivery ended.
type End string

// The ends.
const (
	Acknowledged End = "acknowledged" // the server answered the terminal update with a 2xx
	Postponed    End = "postponed"    // the server acknowledged an outcome of [api.InProgress]
	GivenBack    End = "given_back"   // the server acknowledged that the task was given back
	Gone         End = "gone"         // the server no longer knows the task
	Refused      End = "refused"      // the server refused the update for good
	LeaseSpent   End = "lease_spent"  // no acknowledgement while the lease lasted
	Left         End = "left"         // no acknowledgement before the worker had to end
)

func ends() []End { return []End{Acknowledged, Postponed, GivenBack, Gone, Refused, LeaseSpent, Left} }

// lost reports whether the task is stuck until the server's response timeout.
func (e End) lost() bool { return e == Refused || e == LeaseSpent || e == Left }

// report sends the outcome until the server acknowledges it or the lease is
// spent: the server would ignore a later update with a 200. If the drain timeout
// ends first, the task is given back.
func (w *Worker) report(ctxs runContexts, d *delivery, o task.Outcome) End {
	deadline := time.Now().Add(maxReporting)
	if lease := d.leaseEnd(); lease.Before(deadline) {
		deadline = lease
	}
	end := w.deliver(ctxs.executing, d, w.result(d, o), deadline)
	switch {
	case end == Left && ctxs.reporting.Err() == nil:
		return w.giveBack(ctxs.reporting, d)
	case end == Acknowledged && o.Status == api.InProgress:
		return Postponed
	}
	return end
}

// giveBack queues the task again for any worker. No retry is spent.
func (w *Worker) giveBack(ctx context.Context, d *delivery) End {
	end := w.deliver(ctx, d, api.Result{
		TaskID:     d.task.ID,
		WorkflowID: d.task.WorkflowID,
		WorkerID:   w.opts.WorkerID,
		Status:     api.InProgress,
		Reason:     "the worker is stopping; the task is given back",
	}, time.Now().Add(maxGiveBack))
	switch end {
	case Acknowledged:
		return GivenBack
	case LeaseSpent:
		return Left
	}
	return end
}

// deliver repeats an update until it is acknowledged, cannot succeed, or the
// deadline has passed. Repeating is safe: the server keeps the first.
func (w *Worker) deliver(ctx context.Context, d *delivery, r api.Result, deadline time.Time) End {
	for failures := 1; ; failures++ {
		err := w.update(ctx, d, r, deadline)
		if err == nil {
			w.updateLog.succeeded(ctx, d.taskType)
			return Acknowledged
		}
		if ctx.Err() != nil {
			return Left
		}
		w.updateLog.failed(ctx, err, d.taskType)
		if err.Class == conductor.NotFound {
			return Gone
		}
		if !retryable(err.Class) {
			return Refused
		}
		left := time.Until(deadline)
		if left <= 0 {
			return LeaseSpent
		}
		if !sleep(ctx, min(left, retryBackoff(err, failures, w.jitter))) {
			return Left
		}
	}
}

// update is one attempt. A panic of the client counts as a failed attempt.
func (w *Worker) update(ctx context.Context, d *delivery, r api.Result, deadline time.Time) (failure *conductor.Error) {
	ctx, cancel := context.WithTimeout(ctx, min(maxAttempt, max(minAttempt, time.Until(deadline))))
	defer cancel()
	d.sent = time.Now()
	defer func() {
		if recover() != nil {
			w.metrics.panicked()
			failure = panicError("update")
		}
		w.metrics.Updated(d.taskType, failure, r.Output.Len(), time.Since(d.sent))
	}()
	if err := w.opts.Server.Update(ctx, r); err != nil {
		return conductorError("update", err)
	}
	w.opts.History.Updated(time.Since(d.sent))
	return nil
}

func (w *Worker) result(d *delivery, o task.Outcome) api.Result {
	return api.Result{
		TaskID:        d.task.ID,
		WorkflowID:    d.task.WorkflowID,
		WorkerID:      w.opts.WorkerID,
		Status:        o.Status,
		Reason:        o.Reason,
		Output:        o.Output,
		CallbackAfter: o.After,
		Logs:          taskLog(o, time.Now()),
	}
}

// taskLog is what the log of the task says. It is empty for a task that
// completed without a warning: each line is a write on the server.
func taskLog(o task.Outcome, at time.Time) []api.Log {
	var logs []api.Log
	for _, warning := range o.Warnings {
		logs = append(logs, api.Log{Text: "warning: " + warning, At: at})
	}
	if o.Status != api.Completed {
		logs = append(logs, api.Log{Text: o.Reason, At: at})
	}
	return logs
}
