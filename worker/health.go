package worker

import (
	"fmt"
	"sync/atomic"
	"time"
)

const (
	beatInterval = 20 * time.Second // while a loop waits
	staleAfter   = 60 * time.Second
)

// heartbeat records when a polling loop last made progress.
type heartbeat struct {
	last atomic.Pointer[time.Time] // nil before the loop starts and after it ends
}

func (h *heartbeat) beat() {
	now := time.Now() // with a monotonic clock reading: a clock jump makes no loop stale
	h.last.Store(&now)
}

func (h *heartbeat) stop() { h.last.Store(nil) }

func (h *heartbeat) stale() bool {
	last := h.last.Load()
	return last != nil && time.Since(*last) > staleAfter
}

// Live returns an error if a polling loop has made no progress for 60 s. It
// depends on this process alone.
func (w *Worker) Live() error {
	stale := 0
	for _, p := range w.pollers {
		if p.heartbeat.stale() {
			stale++
		}
	}
	if stale > 0 {
		return fmt.Errorf("worker: %d of %d polling loops have made no progress for %s", stale, len(w.pollers), staleAfter)
	}
	return nil
}

// Health is the state that [Worker.Ready] judges.
type Health struct {
	Polled   bool          `json:"polled"` // a poll has succeeded since the start
	Draining bool          `json:"draining"`
	Slots    int           `json:"slots"`
	InUse    int           `json:"slotsInUse"` // a waiting poll holds one
	InFlight int           `json:"tasksInFlight"`
	Queues   []QueueHealth `json:"queues"`
}

// QueueHealth is the state of one task type.
type QueueHealth struct {
	TaskType string    `json:"taskType"`
	LastPoll time.Time `json:"lastPoll,omitzero"` // that succeeded
	Failing  string    `json:"failing,omitempty"` // class of the last poll, if it failed
	Since    time.Time `json:"failingSince,omitzero"`
	Hint     string    `json:"hint,omitempty"` // what to do about it
}

// Ready reports whether a poll has succeeded since the start and the worker is
// not draining. A later outage of the server shows only in the details:
// otherwise it would make every replica unready.
func (w *Worker) Ready() (bool, Health) {
	h := Health{
		Draining: w.draining.Load(),
		Slots:    w.opts.Slots,
		InUse:    w.slots.inUse(),
		InFlight: w.inFlight.size(),
	}
	for _, q := range w.queues {
		qh := QueueHealth{TaskType: q.taskType}
		if at := q.lastPoll.Load(); at != nil {
			h.Polled = true
			qh.LastPoll = at.UTC()
		}
		if f := q.failing.Load(); f != nil {
			qh.Failing, qh.Since, qh.Hint = string(f.class), f.since.UTC(), f.hint
		}
		h.Queues = append(h.Queues, qh)
	}
	return h.Polled && !h.Draining, h
}
