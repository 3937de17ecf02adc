package worker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"conductor-jwt/conductor/api"
)

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

// Failure is a task that was not completed. It holds no output, and no input, not
// even the name of one.
type Failure struct {
	At                           time.Time
	TaskID, WorkflowID, TaskName string // as the server wrote them
	TaskType, Code, Status       string
}

// History remembers the executions of the last hour by the minute, and the last
// failures. It is safe for concurrent use.
type History struct {
	now func() time.Time

	mu       sync.Mutex
	minutes  [historyMinutes]Minute // by minute since 1970, modulo its length
	failures []Failure              // the latest last
}

// NewHistory makes an empty History. Its clock is now.
func NewHistory(now func() time.Time) *History { return &History{now: now} }

// Now is the time by its clock.
func (h *History) Now() time.Time { return h.now() }

// Add records an execution.
func (h *History) Add(e Executed) {
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

// minute returns the entry of the minute that holds t. An older minute in its
// place is cleared. The caller holds the lock.
func (h *History) minute(t time.Time) *Minute {
	begin := t.Truncate(time.Minute)
	m := &h.minutes[begin.Unix()/60%historyMinutes]
	if !m.Begin.Equal(begin) {
		*m = Minute{Begin: begin}
	}
	return m
}

// Hour returns the last sixty minutes, the oldest first, including those without
// executions.
func (h *History) Hour() []Minute {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	hour := make([]Minute, historyMinutes)
	for i := range hour {
		m := *h.minute(now.Add(time.Duration(i-historyMinutes+1) * time.Minute))
		m.Failed = maps.Clone(m.Failed)
		hour[i] = m
	}
	return hour
}

// Failures returns the last ones, the latest first.
func (h *History) Failures() []Failure {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.failures)
	slices.Reverse(list)
	return list
}
