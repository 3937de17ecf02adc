package worker

import (
	"context"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// Executed is a delivery that was run. Its Outcome holds no input; its Output
// holds the token.
type Executed struct {
	TaskType string

	WorkflowID, Workflow, TaskName string // as the server wrote them; Workflow is a name
	Outcome                        task.Outcome
	Took                           time.Duration

	// QueueWait is how long the task was queued, by the server's clock.
	QueueWait    time.Duration
	HasQueueWait bool // false where the server did not say
}

// execute runs the handler until the delivery's deadline. If ok is false, the
// task is to be given back instead. A handler that ignores its context is
// abandoned: its result is dropped, and abandoned is closed when it returns.
func (w *Worker) execute(ctxs runContexts, d *delivery) (o task.Outcome, abandoned <-chan struct{}, ok bool) {
	if d.task.Malformed {
		o = malformedOutcome()
		w.executed(d, o, 0)
		return o, nil, true
	}
	ctx, cancel := context.WithDeadline(ctxs.executing, d.deadline())
	defer cancel()
	if ctx.Err() != nil { // the deadline has passed
		return task.Outcome{}, nil, false
	}
	began := time.Now()
	o, abandoned = w.runHandler(ctx, d)
	if ctxs.executing.Err() != nil && o.Status != api.Completed && o.Status != api.FailedWithTerminalError {
		return o, abandoned, false // it was stopped by the drain; the task has no fault
	}
	w.executed(d, o, time.Since(began))
	if o.Status != api.Completed {
		w.log.WarnContext(ctx, "task not completed", append(d.ids(), "status", string(o.Status), "code", o.Fault.Code)...)
	}
	return o, abandoned, true
}

func (w *Worker) executed(d *delivery, o task.Outcome, took time.Duration) {
	e := Executed{
		TaskType: d.taskType, WorkflowID: d.task.WorkflowID, Workflow: d.task.WorkflowType, TaskName: d.task.Name,
		Outcome: o, Took: took,
	}
	e.QueueWait, e.HasQueueWait = queueWait(d.task)
	w.metrics.Executed(e)
	w.opts.History.Executed(e)
}

func (w *Worker) runHandler(ctx context.Context, d *delivery) (task.Outcome, <-chan struct{}) {
	result := make(chan task.Outcome, 1)
	returned := make(chan struct{})
	w.handlers.Add(1)
	go func() {
		defer close(returned)
		defer w.handlers.Add(-1)
		result <- w.handle(ctx, d)
	}()
	select {
	case o := <-result:
		return o, nil
	case <-ctx.Done():
	}
	select {
	case o := <-result: // both were ready; the result counts
		return o, nil
	default:
		return lateOutcome(), returned
	}
}

// handle calls the handler. Of a panic it keeps only the lines of code that it
// came from: its value may be anything, also a key.
func (w *Worker) handle(ctx context.Context, d *delivery) (o task.Outcome) {
	defer func() {
		if recover() != nil {
			w.metrics.panicked()
			w.log.ErrorContext(ctx, "the handler panicked; please report it", append(d.ids(), "at", task.PanicSite())...)
			o = panicOutcome()
		}
	}()
	return validate(w.opts.Handler.Handle(ctx, d.task))
}

// The outcomes of the engine itself. Their texts are fixed, so that they cannot
// hold the value of an input or of a panic.

func panicOutcome() task.Outcome {
	return failure(api.Failed, "internal", "the worker failed in an unexpected way; see its log, and report it")
}

func lateOutcome() task.Outcome {
	return failure(api.Failed, "timeout", "the task was not done before its deadline; raise responseTimeoutSeconds of the task definition (30 s at most count), or look for a slow key store")
}

// malformedOutcome is terminal: the server would send the same task again.
func malformedOutcome() task.Outcome {
	return failure(api.FailedWithTerminalError, "input_invalid", "the task as the server sent it could not be read; check that inputData is an object without duplicate members, in valid UTF-8")
}

func failure(status api.Status, code, message string) task.Outcome {
	return task.Failure(status, task.Fault{Code: code, Message: message})
}

// validate corrects an outcome that the server would not take: it answers an
// unknown status with a 500 forever, and shows a missing reason as "null".
func validate(o task.Outcome) task.Outcome {
	switch o.Status {
	case api.Completed, api.Failed, api.FailedWithTerminalError, api.InProgress:
	default:
		return panicOutcome()
	}
	if o.Status != api.Completed && o.Reason == "" {
		o.Reason = "internal: no reason was given; see the worker's log, and report it"
	}
	o.Reason = task.CutReason(o.Reason)
	return o
}
