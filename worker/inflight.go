package worker

import (
	"sync"
	"time"

	"conductor-jwt/conductor/api"
)

const (
	defaultLease = 60 * time.Second // where the server never takes a task back
	maxExecution = 30 * time.Second
	maxReport    = 60 * time.Second
)

// delivery is one task in flight.
type delivery struct {
	task     api.Task
	queue    int
	taskType string    // the one that was polled; a label, so never the server's word
	received time.Time // with its monotonic part: clock jumps do not move a lease
	sent     time.Time // when the last update was sent
}

// lease is how long the server waits before it gives the task to another.
func (j *delivery) lease() time.Duration {
	if j.task.ResponseTimeout > 0 {
		return j.task.ResponseTimeout
	}
	return defaultLease
}

func (j *delivery) leaseEnd() time.Time { return j.received.Add(j.lease()) }

// deadline ends the execution.
func (j *delivery) deadline() time.Time { return j.received.Add(min(j.lease(), maxExecution)) }

// startBy is when a job that still waits for a slot is given back, while there
// is time enough for another worker to do it.
func (j *delivery) startBy() time.Time { return j.received.Add(min(j.lease(), maxExecution) / 2) }

// ids name the job in a log line.
func (j *delivery) ids() []any {
	return []any{
		"task_type", j.taskType, "task_id", escape(j.task.ID),
		"workflow_id", escape(j.task.WorkflowID), "task_name", escape(j.task.Name), "retry", j.task.Retry,
	}
}

// hand holds the tasks that are neither finished nor given back, by id.
type inFlight struct {
	mu    sync.Mutex
	tasks map[string]*entry
}

type entry struct {
	// again is the latest delivery that came while the task was in hand. It
	// matters only if the one before ends without a terminal acknowledgement:
	// a task that was just given back may return before its own update does.
	duplicate *delivery
}

func newInFlight() *inFlight { return &inFlight{tasks: make(map[string]*entry)} }

// add reports whether the job is to be run now. A task that is in hand
// already is kept aside, never run beside itself.
func (h *inFlight) add(j *delivery) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if have, ok := h.tasks[j.task.ID]; ok {
		have.duplicate = j
		return false
	}
	h.tasks[j.task.ID] = &entry{}
	return true
}

// remove takes the job out, or returns the delivery that is to be run in its
// place.
func (h *inFlight) remove(j *delivery, end End) *delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	have, ok := h.tasks[j.task.ID]
	if !ok {
		return nil
	}
	if again := have.duplicate; again != nil && !j.settles(again, end) {
		have.duplicate = nil
		return again
	}
	delete(h.tasks, j.task.ID)
	return nil
}

// settles reports whether the end of this delivery is the end of a later one of
// the same task, too: a terminal update ends the task, and giving it back takes
// back whatever was delivered before that was sent.
func (j *delivery) settles(again *delivery, end End) bool {
	switch end {
	case Acknowledged:
		return true
	case Postponed, GivenBack:
		return again.received.Before(j.sent)
	default:
		return false
	}
}

func (h *inFlight) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.tasks)
}
