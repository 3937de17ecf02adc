package worker

import (
	"fmt"
	"sync/atomic"
	"time"
)

const (
	beatEvery  = 20 * time.Second // while a loop waits
	staleAfter = 60 * time.Second
)

// heartbeat is the sign of life of one loop, by the monotonic clock.
type heartbeat struct {
	epoch time.Time
	last  atomic.Int64 // nanoseconds since epoch; below 0 when the loop has ended
}

func newHeartbeat(epoch time.Time) *heartbeat {
	p := &heartbeat{epoch: epoch}
	p.beat()
	return p
}

func (p *heartbeat) beat() { p.last.Store(int64(time.Since(p.epoch))) }

func (p *heartbeat) stop() { p.last.Store(-1) }

func (p *heartbeat) stale() bool {
	last := p.last.Load()
	return last >= 0 && time.Since(p.epoch)-time.Duration(last) > staleAfter
}

// Live is nil while each polling loop has shown a sign of life within 60 s. It
// depends on nothing but this process.
func (w *Worker) Live() error {
	stale := 0
	heartbeats := w.loops()
	for _, p := range heartbeats {
		if p.stale() {
			stale++
		}
	}
	if stale > 0 {
		return fmt.Errorf("worker: %d of %d polling loops have stood still for %s", stale, len(heartbeats), staleAfter)
	}
	return nil
}

// Health is what stands behind [Worker.Ready].
type Health struct {
	Polled   bool          `json:"polled"` // a poll has succeeded since the start
	Draining bool          `json:"draining"`
	Slots    int           `json:"slots"`
	InUse    int           `json:"slotsInUse"` // a waiting poll holds one
	InHand   int           `json:"tasksInHand"`
	Queues   []QueueHealth `json:"queues"`
}

// QueueHealth is the state of one task type.
type QueueHealth struct {
	TaskType string    `json:"taskType"`
	LastPoll time.Time `json:"lastPoll,omitzero"` // that succeeded
	Failing  string    `json:"failing,omitempty"` // class of the last poll's failure
}

// Ready reports whether a poll has succeeded since the start and the worker is
// not draining. An outage of the server later on shows in the details alone:
// otherwise it would make every replica unready.
func (w *Worker) Ready() (bool, Health) {
	h := Health{
		Draining: w.draining.Load(),
		Slots:    w.opts.Slots,
		InUse:    w.slots.inUse(),
		InHand:   w.inFlight.size(),
	}
	for _, q := range w.queues {
		qh := QueueHealth{TaskType: q.taskType}
		if at := q.lastGood.Load(); at != 0 {
			h.Polled = true
			qh.LastPoll = time.Unix(0, at).UTC()
		}
		if class := q.class.Load(); class != nil {
			qh.Failing = string(*class)
		}
		h.Queues = append(h.Queues, qh)
	}
	return h.Polled && !h.Draining, h
}
