package worker

import (
	"sync"
	"time"

	"conductor-jwt/conductor/api"
)

const (
	defaultLease = 60 * time.Second // of a task without a response timeout
	maxExecution = 30 * time.Second
	maxReporting = 60 * time.Second
)

// delivery is one task as a poll brought it.
type delivery struct {
	task     api.Task
	queue    int       // index
	taskType string    // as it was polled; task.Type is the server's and no metric label
	received time.Time // with a monotonic clock reading: a clock jump moves no lease
	sent     time.Time // when the last update was sent
}

// lease is how long the server waits before it delivers the task again.
func (d *delivery) lease() time.Duration {
	if d.task.ResponseTimeout > 0 {
		return d.task.ResponseTimeout
	}
	return defaultLease
}

func (d *delivery) leaseEnd() time.Time { return d.received.Add(d.lease()) }

// deadline ends the execution.
func (d *delivery) deadline() time.Time { return d.received.Add(min(d.lease(), maxExecution)) }

// startBy is when a delivery that still waits for a slot is given back. It
// leaves time for another worker to run the task.
func (d *delivery) startBy() time.Time { return d.received.Add(min(d.lease(), maxExecution) / 2) }

// ids identify the delivery in a log line.
func (d *delivery) ids() []any {
	return []any{
		"task_type", d.taskType, "task_id", escape(d.task.ID),
		"workflow_id", escape(d.task.WorkflowID), "task_name", escape(d.task.Name), "retry", d.task.Retry,
	}
}

// inFlight holds the tasks that are neither finished nor given back.
type inFlight struct {
	mu sync.Mutex
	// tasks has an entry for each task in flight, by task id: the latest duplicate
	// delivery, or nil. A task that was just given back may be delivered again
	// before its own update returns.
	tasks map[string]*delivery
}

func newInFlight() *inFlight { return &inFlight{tasks: make(map[string]*delivery)} }

// add reports whether the delivery is to be run now. A duplicate of a task in
// flight is kept until that one ends: a task never runs twice at once.
func (f *inFlight) add(d *delivery) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.tasks[d.task.ID]; ok {
		f.tasks[d.task.ID] = d
		return false
	}
	f.tasks[d.task.ID] = nil
	return true
}

// remove ends a delivery. If a duplicate has to be run after it, remove returns
// the duplicate and the task stays in flight.
func (f *inFlight) remove(d *delivery, end End) *delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	duplicate := f.tasks[d.task.ID]
	if duplicate != nil && !d.settles(duplicate, end) {
		f.tasks[d.task.ID] = nil
		return duplicate
	}
	delete(f.tasks, d.task.ID)
	return nil
}

// settles reports whether the end of this delivery also ends a duplicate: a
// terminal update ends the task, and giving it back revokes every delivery that
// was received before the update was sent.
func (d *delivery) settles(duplicate *delivery, end End) bool {
	switch end {
	case Acknowledged:
		return true
	case Postponed, GivenBack:
		return duplicate.received.Before(d.sent)
	default:
		return false
	}
}

func (f *inFlight) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tasks)
}
