package worker

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// execute runs the handler until the job's deadline; ok is false where the task
// is to be given back instead. A handler that does not heed its context is left
// behind: abandoned is closed when it returns, and its result is dropped.
func (w *Worker) execute(ctxs runContexts, j *delivery) (o task.Outcome, abandoned <-chan struct{}, ok bool) {
	if j.task.Malformed {
		o = malformedOutcome()
		w.opts.Observer.Executed(executed(j, o, 0))
		return o, nil, true
	}
	ctx, cancel := context.WithDeadline(ctxs.executing, j.deadline())
	defer cancel()
	if ctx.Err() != nil { // no time is left of it
		return task.Outcome{}, nil, false
	}
	started := time.Now()
	o, abandoned = w.runHandler(ctx, j)
	if ctxs.executing.Err() != nil && o.Status != api.Completed && o.Status != api.FailedWithTerminalError {
		return o, abandoned, false // it ended because we end; that is no fault of the task
	}
	w.opts.Observer.Executed(executed(j, o, time.Since(started)))
	w.logFault(ctx, j, o)
	return o, abandoned, true
}

func executed(j *delivery, o task.Outcome, took time.Duration) Executed {
	return Executed{
		TaskType: j.taskType, TaskID: j.task.ID, WorkflowID: j.task.WorkflowID, TaskName: j.task.Name,
		Outcome: o, Took: took,
	}
}

func (w *Worker) runHandler(ctx context.Context, j *delivery) (task.Outcome, <-chan struct{}) {
	result := make(chan task.Outcome, 1)
	returned := make(chan struct{})
	w.abandoned.Add(1)
	go func() {
		defer close(returned)
		defer w.abandoned.Add(-1)
		result <- w.handle(ctx, j)
	}()
	select {
	case o := <-result:
		return o, nil
	case <-ctx.Done():
	}
	select {
	case o := <-result: // both at once: a result counts for more
		return o, nil
	default:
		return lateOutcome(), returned
	}
}

// handle calls the handler. The value of a panic may be anything, a key
// included, so nothing is kept of it but the lines of code that it came from.
func (w *Worker) handle(ctx context.Context, j *delivery) (o task.Outcome) {
	defer func() {
		if recover() != nil {
			w.opts.Observer.Panicked()
			w.log.ErrorContext(ctx, "the handler panicked; please report it", append(j.ids(), "at", panicSite())...)
			o = panicOutcome()
		}
	}()
	return validate(w.opts.Handler.Handle(ctx, j.task))
}

// panicSite names the innermost lines of code of a panic. It is for the
// deferred function that recovers.
func panicSite() []string {
	const most, skip = 12, 3 // runtime.Callers, panicSite and the deferred function
	pcs := make([]uintptr, most)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip, pcs)])
	var site []string
	for {
		f, more := frames.Next()
		site = append(site, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line))
		if !more {
			return site
		}
	}
}

func (w *Worker) logFault(ctx context.Context, j *delivery, o task.Outcome) {
	if o.Status == api.Completed {
		return
	}
	w.log.WarnContext(ctx, "task not completed", append(j.ids(), "status", string(o.Status), "code", o.Fault.Code)...)
}

// The engine's own faults. Their texts are fixed, so that no value of an input
// or of a panic can be in them.

func panicOutcome() task.Outcome {
	return failure(api.Failed, "internal", "the worker failed in an unexpected way; see its log, and report it")
}

func lateOutcome() task.Outcome {
	return failure(api.Failed, "timeout", "the task was not done before its deadline; raise responseTimeoutSeconds of the task definition (30 s at most count), or look for a slow key store")
}

// malformedOutcome is terminal: the server would send the same again.
func malformedOutcome() task.Outcome {
	return failure(api.FailedWithTerminalError, "input_invalid", "the task as the server sent it could not be read; check that inputData is an object without duplicate members, in valid UTF-8")
}

func failure(status api.Status, code, message string) task.Outcome {
	return task.Failure(status, task.Fault{Code: code, Message: message})
}

// validate holds a handler to its contract, because the server answers an
// unknown status with a 500 forever, and a missing reason with "null".
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
