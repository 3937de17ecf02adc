package worker

import (
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// delivery is the task as the handler sees it.
func delivery(t *conductor.Task) task.Delivery {
	return task.Delivery{
		ID:           t.ID,
		Type:         t.Type,
		Name:         t.Name,
		WorkflowID:   t.WorkflowID,
		WorkflowType: t.WorkflowType,
		Retry:        t.Retry,
		Scheduled:    t.Scheduled,
		Input:        t.Input,
		Template:     t.Template,
		Defaults:     t.Defaults,
		Delivered:    t.RuntimeMetadata,
		External:     t.External,
	}
}

// result is the update that tells the server of an outcome.
func (w *Worker) result(j *job, o task.Outcome) conductor.Result {
	return conductor.Result{
		TaskID:        j.task.ID,
		WorkflowID:    j.task.WorkflowID,
		WorkerID:      w.opts.WorkerID,
		Status:        string(o.Status),
		Reason:        o.Reason,
		Output:        o.Output,
		CallbackAfter: o.After,
		Logs:          taskLog(o, time.Now()),
	}
}

// giveBack hands the same task to whoever polls next; no retry is spent.
func (w *Worker) giveBack(j *job) conductor.Result {
	return conductor.Result{
		TaskID:     j.task.ID,
		WorkflowID: j.task.WorkflowID,
		WorkerID:   w.opts.WorkerID,
		Status:     string(task.Later),
		Reason:     "the worker is stopping; the task is given back",
	}
}

// taskLog is what the task's own log says: nothing where all went well, since
// every line is a write on the server.
func taskLog(o task.Outcome, at time.Time) []conductor.Log {
	var logs []conductor.Log
	for _, warning := range o.Warnings {
		logs = append(logs, conductor.Log{Text: "warning: " + warning, At: at})
	}
	if o.Status != task.Completed {
		logs = append(logs, conductor.Log{Text: o.Reason, At: at})
	}
	return logs
}

// The engine's own faults. Their texts are fixed, so that no value of an input
// or of a panic can be in them.

func panicOutcome() task.Outcome {
	return failure(task.Failed, "internal", "the worker failed in an unexpected way; see its log, and report it")
}

func lateOutcome() task.Outcome {
	return failure(task.Failed, "timeout", "the task was not done before its deadline; raise responseTimeoutSeconds of the task definition (30 s at most count), or look for a slow key store")
}

// malformedOutcome is terminal: the server would send the same again.
func malformedOutcome() task.Outcome {
	return failure(task.Terminal, "input_invalid", "the task as the server sent it could not be read; check that inputData is an object without duplicate members, in valid UTF-8")
}

func failure(status task.Status, code, message string) task.Outcome {
	return task.Failure(status, task.Fault{Code: code, Message: message})
}

// wellFormed holds a handler to its contract, because the server answers an
// unknown status with a 500 forever, and a missing reason with "null".
func wellFormed(o task.Outcome) task.Outcome {
	switch o.Status {
	case task.Completed, task.Failed, task.Terminal, task.Later:
	default:
		return panicOutcome()
	}
	if o.Status != task.Completed && o.Reason == "" {
		o.Reason = "internal: no reason was given; see the worker's log, and report it"
	}
	o.Reason = task.CutReason(o.Reason)
	return o
}
