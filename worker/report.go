package worker

import (
	"context"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

const (
	// maxAttempt bounds one update, so that a peer that never answers does
	// not eat the lease; minAttempt is what even a late one is given.
	maxAttempt, minAttempt = 10 * time.Second, time.Second
	// maxGiveBack is how long the server is asked to take a task back.
	maxGiveBack = 3 * time.Second
)

// End is how a delivery left the worker's hand.
type End string

// The ends.
const (
	Acknowledged End = "acknowledged" // the server answered the terminal update with a 2xx
	Postponed    End = "postponed"    // so did it for an outcome of [api.InProgress]
	GivenBack    End = "given_back"   // at the end of a drain
	Gone         End = "gone"         // the server no longer knows the task
	Refused      End = "refused"      // an update that no repetition heals
	LeaseSpent   End = "lease_spent"  // the server did not answer while the lease lasted
	Left         End = "left"         // nor before the worker had to end
)

// ends is the whole set.
func ends() []End { return []End{Acknowledged, Postponed, GivenBack, Gone, Refused, LeaseSpent, Left} }

// lost reports whether only the server's response timeout can help.
func (e End) lost() bool { return e == Refused || e == LeaseSpent || e == Left }

// report tells the server how the task ended, until it acknowledges or the
// lease is spent: a later update would be ignored with a 200. Where the drain
// runs out of time first, the task is given back.
func (w *Worker) report(ctxs runContexts, j *delivery, o task.Outcome) End {
	until := time.Now().Add(maxReport)
	if lease := j.leaseEnd(); lease.Before(until) {
		until = lease
	}
	end := w.deliver(ctxs.executing, j, w.result(j, o), until)
	switch {
	case end == Left && ctxs.reporting.Err() == nil:
		return w.giveBack(ctxs.reporting, j)
	case end == Acknowledged && o.Status == api.InProgress:
		return Postponed
	}
	return end
}

// giveBack queues the same task again.
func (w *Worker) giveBack(ctx context.Context, j *delivery) End {
	end := w.deliver(ctx, j, w.givenBack(j), time.Now().Add(maxGiveBack))
	switch end {
	case Acknowledged:
		return GivenBack
	case LeaseSpent:
		return Left
	}
	return end
}

// deliver repeats an update, which is safe: the server keeps the first.
func (w *Worker) deliver(ctx context.Context, j *delivery, r api.Result, until time.Time) End {
	for failures := 1; ; failures++ {
		err := w.update(ctx, j, r, until)
		if err == nil {
			w.updateLog.succeeded(ctx, j.taskType)
			return Acknowledged
		}
		if ctx.Err() != nil {
			return Left
		}
		w.updateLog.failed(ctx, err, j.taskType)
		if err.Class == conductor.NotFound {
			return Gone
		}
		if !retryable(err.Class) {
			return Refused
		}
		left := time.Until(until)
		if left <= 0 {
			return LeaseSpent
		}
		if !sleep(ctx, min(left, updateWait(err, failures, w.jitter))) {
			return Left
		}
	}
}

// update is one attempt. A panic of the client is a failed one.
func (w *Worker) update(ctx context.Context, j *delivery, r api.Result, until time.Time) (failure *conductor.Error) {
	ctx, cancel := context.WithTimeout(ctx, min(maxAttempt, max(minAttempt, time.Until(until))))
	defer cancel()
	started := time.Now()
	j.sent = started
	defer func() {
		if recover() != nil {
			w.opts.Observer.Panicked()
			failure = panicError("update")
		}
		e := Updated{TaskType: j.taskType, Bytes: r.Output.Len(), Took: time.Since(started)}
		if failure != nil {
			e.Class = failure.Class
		}
		w.opts.Observer.Updated(e)
	}()
	if err := w.opts.Server.Update(ctx, r); err != nil {
		return conductorError("update", err)
	}
	return nil
}

// result is the update that tells the server of an outcome.
func (w *Worker) result(j *delivery, o task.Outcome) api.Result {
	return api.Result{
		TaskID:        j.task.ID,
		WorkflowID:    j.task.WorkflowID,
		WorkerID:      w.opts.WorkerID,
		Status:        o.Status,
		Reason:        o.Reason,
		Output:        o.Output,
		CallbackAfter: o.After,
		Logs:          taskLog(o, time.Now()),
	}
}

// givenBack hands the same task to whoever polls next; no retry is spent.
func (w *Worker) givenBack(j *delivery) api.Result {
	return api.Result{
		TaskID:     j.task.ID,
		WorkflowID: j.task.WorkflowID,
		WorkerID:   w.opts.WorkerID,
		Status:     api.InProgress,
		Reason:     "the worker is stopping; the task is given back",
	}
}

// taskLog is what the task's own log says: nothing where all went well, since
// every line is a write on the server.
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
