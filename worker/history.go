package worker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

const (
	historyMinutes  = 60
	historyFailures = 50
)

// Stage is a part of a task's way whose time is recorded.
type Stage int

// The stages.
const (
	QueueWait Stage = iota // from its scheduling to the poll that fetched it, by the server's clock
	Execution              // in the handler
	Update                 // the request that the server acknowledged
	stages                 // their number
)

// Stages returns all stages, in the order of a task's way.
func Stages() []Stage { return []Stage{QueueWait, Execution, Update} }

func (s Stage) String() string { return [stages]string{"queue wait", "execution", "update"}[s] }

// Counts is what happened in a time.
type Counts struct {
	Completed   int
	Failed      map[string]int // by code
	Waiting     int            // executions after which the task waits to be tried again
	FailedPolls int

	times [stages]durations
}

// Failures is the number of failed executions.
func (c *Counts) Failures() (n int) {
	for _, one := range c.Failed {
		n += one
	}
	return n
}

// Times describes the times of a stage.
func (c *Counts) Times(s Stage) Times { return c.times[s].describe() }

// Minute is what happened in one minute.
type Minute struct {
	Begin time.Time
	Counts
}

// Failure is all executions that failed for one cause: the same code and input, in
// tasks of one name in workflows of one name. It holds no output and no value of an
// input. Names are the server's.
type Failure struct {
	Workflow, TaskName, TaskType string
	Code, Field                  string // Field is the input at fault; may be empty

	Message     string // of the last one
	Waits       bool   // the last one is to be tried again, without spending a retry
	First, Last time.Time
	Times       int
	WorkflowID  string // of the last one
}

func (f *Failure) isSameCause(g *Failure) bool {
	return f.Workflow == g.Workflow && f.TaskName == g.TaskName && f.TaskType == g.TaskType && f.Code == g.Code && f.Field == g.Field
}

// History remembers the last hour by the minute, and the last causes of failures.
// Its size is bounded. It is safe for concurrent use; a nil History records
// nothing.
type History struct {
	now func() time.Time

	mu       sync.Mutex
	minutes  [historyMinutes]Minute // by minute since 1970, modulo its length
	failures []Failure              // the latest last
}

// NewHistory makes an empty History. Its clock is now.
func NewHistory(now func() time.Time) *History { return &History{now: now} }

// Polled records the end of a poll.
func (h *History) Polled(failed bool) {
	if h == nil || !failed {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.minute(h.now()).FailedPolls++
}

// Updated records the time of an update that the server acknowledged.
func (h *History) Updated(took time.Duration) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.minute(h.now()).times[Update].add(took)
}

// Executed records an execution.
func (h *History) Executed(e Executed) {
	if h == nil {
		return
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.minute(now)
	m.times[Execution].add(e.Took)
	if e.Outcome.Status == api.InProgress {
		m.Waiting++
		h.fail(e, now)
		return
	}
	if e.HasQueueWait { // once: a task that waits has the same times at each try
		m.times[QueueWait].add(e.QueueWait)
	}
	if e.Outcome.Status == api.Completed {
		m.Completed++
		return
	}
	if m.Failed == nil {
		m.Failed = map[string]int{}
	}
	m.Failed[e.Outcome.Fault.Code]++
	h.fail(e, now)
}

// fail adds a failure to those of its cause. The caller holds the lock.
func (h *History) fail(e Executed, now time.Time) {
	// Names are cut as reasons are, so that none takes much memory.
	f := Failure{
		Workflow: task.CutReason(e.Workflow), TaskName: task.CutReason(e.TaskName), TaskType: e.TaskType,
		Code: e.Outcome.Fault.Code, Field: task.CutReason(e.Outcome.Fault.Field), Message: task.CutReason(e.Outcome.Fault.Message),
		Waits: e.Outcome.Status == api.InProgress, First: now, Last: now, WorkflowID: task.CutReason(e.WorkflowID), Times: 1,
	}
	if i := slices.IndexFunc(h.failures, func(known Failure) bool { return known.isSameCause(&f) }); i >= 0 {
		f.First, f.Times = h.failures[i].First, h.failures[i].Times+1
		h.failures = slices.Delete(h.failures, i, i+1)
	} else if len(h.failures) == historyFailures {
		h.failures = slices.Delete(h.failures, 0, 1)
	}
	h.failures = append(h.failures, f)
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

// Hour is a copy of a [History].
type Hour struct {
	Now      time.Time
	Minutes  []Minute // the last sixty, the oldest first, including those without executions
	Total    Counts
	Failures []Failure // since the start, the latest first
}

// Hour returns what h remembers.
func (h *History) Hour() Hour {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	hour := Hour{Now: now, Minutes: make([]Minute, historyMinutes), Failures: slices.Clone(h.failures)}
	slices.Reverse(hour.Failures)
	hour.Total.Failed = map[string]int{}
	for i := range hour.Minutes {
		m := h.minute(now.Add(time.Duration(i-historyMinutes+1) * time.Minute))
		hour.Minutes[i] = *m
		hour.Minutes[i].Failed = maps.Clone(m.Failed)
		hour.Total.add(&m.Counts)
	}
	return hour
}

func (c *Counts) add(m *Counts) {
	c.Completed += m.Completed
	c.Waiting += m.Waiting
	c.FailedPolls += m.FailedPolls
	for code, n := range m.Failed {
		c.Failed[code] += n
	}
	for s := range c.times {
		c.times[s].addAll(&m.times[s])
	}
}
