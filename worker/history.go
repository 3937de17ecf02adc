package worker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"conductor-jwt/conductor/api"
)

// The bounds of a [History].
const (
	historyMinutes  = 60
	historyFailures = 20
)

// Minute is what was executed in one minute.
type Minute struct {
	Begin     time.Time
	Completed int
	Failed    map[string]int // by code
}

// Failure is a task that was not completed. It holds no input, not even the name
// of one, and no output.
type Failure struct {
	At                           time.Time
	TaskID, WorkflowID, TaskName string // as the server wrote them
	TaskType, Code, Status       string
}

// History is an [Observer] that remembers the last hour by the minute, and the
// last failures.
type History struct {
	noopObserver

	now func() time.Time

	mu       sync.Mutex
	minutes  [historyMinutes]Minute // by minute since 1970, modulo its length
	failures []Failure              // the latest last
}

// NewHistory makes an empty one.
func NewHistory(now func() time.Time) *History { return &History{now: now} }

// Now is the time by its clock.
func (h *History) Now() time.Time { return h.now() }

// Executed implements [Observer].
func (h *History) Executed(e Executed) {
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.minute(now)
	if e.Outcome.Status == api.Completed {
		m.Completed++
		return
	}
	code := e.Outcome.Fault.Code
	if m.Failed == nil {
		m.Failed = map[string]int{}
	}
	m.Failed[code]++
	if len(h.failures) == historyFailures {
		h.failures = slices.Delete(h.failures, 0, 1)
	}
	h.failures = append(h.failures, Failure{
		At: now, TaskID: e.TaskID, WorkflowID: e.WorkflowID, TaskName: e.TaskName, TaskType: e.TaskType,
		Code: code, Status: string(e.Outcome.Status),
	})
}

// minute is the one that now lies in, cleared if it was another. The caller
// holds the lock.
func (h *History) minute(now time.Time) *Minute {
	begin := now.Truncate(time.Minute)
	m := &h.minutes[int(begin.Unix()/60%historyMinutes)]
	if !m.Begin.Equal(begin) {
		*m = Minute{Begin: begin}
	}
	return m
}

// Hour gives the last sixty minutes, the oldest first, those in which nothing
// happened included.
func (h *History) Hour() []Minute {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.now().Truncate(time.Minute)
	hour := make([]Minute, 0, historyMinutes)
	for i := historyMinutes - 1; i >= 0; i-- {
		begin := last.Add(-time.Duration(i) * time.Minute)
		m := h.minutes[int(begin.Unix()/60%historyMinutes)]
		if !m.Begin.Equal(begin) {
			m = Minute{Begin: begin}
		}
		m.Failed = maps.Clone(m.Failed)
		hour = append(hour, m)
	}
	return hour
}

// Failures gives the last ones, the latest first.
func (h *History) Failures() []Failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.failures)
	slices.Reverse(list)
	return list
}
