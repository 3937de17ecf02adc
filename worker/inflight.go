package worker

import (
	"sync"
	"time"

	"conductor-jwt/conductor"
)

const (
	leaseWithout = 60 * time.Second // where the server never takes a task back
	mostRun      = 30 * time.Second
	mostReport   = 60 * time.Second
)

// job is one delivery in hand.
type job struct {
	task     conductor.Task
	kind     int
	taskType string    // the one that was polled; a label, so never the server's word
	received time.Time // with its monotonic part: clock jumps do not move a lease
	sent     time.Time // when the last update was sent
}

// lease is how long the server waits before it gives the task to another.
func (j *job) lease() time.Duration {
	if j.task.ResponseTimeout > 0 {
		return j.task.ResponseTimeout
	}
	return leaseWithout
}

func (j *job) leaseEnd() time.Time { return j.received.Add(j.lease()) }

// deadline ends the execution.
func (j *job) deadline() time.Time { return j.received.Add(min(j.lease(), mostRun)) }

// startBy is when a job that still waits for a slot is given back, while there
// is time enough for another worker to do it.
func (j *job) startBy() time.Time { return j.received.Add(min(j.lease(), mostRun) / 2) }

// ids name the job in a log line.
func (j *job) ids() []any {
	return []any{
		"task_type", j.taskType, "task_id", outside(j.task.ID),
		"workflow_id", outside(j.task.WorkflowID), "task_name", outside(j.task.Name), "retry", j.task.Retry,
	}
}

// hand holds the tasks that are neither finished nor given back, by id.
type hand struct {
	mu   sync.Mutex
	jobs map[string]*held
}

type held struct {
	// again is the latest delivery that came while the task was in hand. It
	// matters only if the one before ends without a terminal acknowledgement:
	// a task that was just given back may return before its own update does.
	again *job
}

func newHand() *hand { return &hand{jobs: make(map[string]*held)} }

// accept reports whether the job is to be run now. A task that is in hand
// already is kept aside, never run beside itself.
func (h *hand) accept(j *job) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if have, ok := h.jobs[j.task.ID]; ok {
		have.again = j
		return false
	}
	h.jobs[j.task.ID] = &held{}
	return true
}

// done takes the job out, or returns the delivery that is to be run in its
// place.
func (h *hand) done(j *job, end End) *job {
	h.mu.Lock()
	defer h.mu.Unlock()
	have, ok := h.jobs[j.task.ID]
	if !ok {
		return nil
	}
	if again := have.again; again != nil && !j.settles(again, end) {
		have.again = nil
		return again
	}
	delete(h.jobs, j.task.ID)
	return nil
}

// settles reports whether the end of this delivery is the end of a later one of
// the same task, too: a terminal update ends the task, and giving it back takes
// back whatever was delivered before that was sent.
func (j *job) settles(again *job, end End) bool {
	switch end {
	case Acknowledged:
		return true
	case Postponed, GivenBack:
		return again.received.Before(j.sent)
	default:
		return false
	}
}

func (h *hand) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.jobs)
}
