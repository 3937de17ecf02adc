package worker

import (
	"strconv"
	"sync"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// Polled implements [Observer].
func (m *Metrics) Polled(e Polled) {
	m.polls.WithLabelValues(e.TaskType).Inc()
	if e.Class != "" {
		m.pollErrors.WithLabelValues(e.TaskType, string(e.Class)).Inc()
	}
	m.pollSeconds.WithLabelValues(e.TaskType, statusOf(e.Class)).Observe(e.Took.Seconds())
}

// QueueFull implements [Observer].
func (m *Metrics) QueueFull(taskType string) { m.queueFull.WithLabelValues(taskType).Inc() }

// Received implements [Observer].
func (m *Metrics) Received(taskType string) {
	m.started.WithLabelValues(taskType).Inc()
	m.active.WithLabelValues(taskType).Inc()
}

// Duplicate implements [Observer].
func (m *Metrics) Duplicate(taskType string) { m.duplicates.WithLabelValues(taskType).Inc() }

// Unbounded implements [Observer].
func (m *Metrics) Unbounded(taskType string) { m.unbounded.WithLabelValues(taskType).Inc() }

// Executed implements [Observer].
func (m *Metrics) Executed(e Executed) {
	if e.Outcome.Panicked {
		m.Panicked()
	}
	if e.Outcome.Unchecked {
		m.unchecked.Inc()
	}
	status := success
	if e.Outcome.Status == task.Completed {
		m.tokens.WithLabelValues(m.algorithms.label(e.Outcome.Algorithm), m.kinds.label(e.Outcome.KeyKind)).Inc()
	} else {
		status = failed
		code := m.codes.label(e.Outcome.Fault.Code)
		m.executeErrors.WithLabelValues(e.TaskType, code).Inc()
		m.failures.WithLabelValues(code).Inc()
	}
	m.executeSeconds.WithLabelValues(e.TaskType, status).Observe(e.Took.Seconds())
}

// Updated implements [Observer].
func (m *Metrics) Updated(e Updated) {
	if e.Class != "" {
		m.updateErrors.WithLabelValues(e.TaskType, string(e.Class)).Inc()
	} else {
		m.resultBytes.WithLabelValues(e.TaskType).Observe(float64(e.Bytes))
	}
	m.updateSeconds.WithLabelValues(e.TaskType, statusOf(e.Class)).Observe(e.Took.Seconds())
}

// Ended implements [Observer].
func (m *Metrics) Ended(taskType string, end End) {
	m.active.WithLabelValues(taskType).Dec()
	m.ends.WithLabelValues(string(end)).Inc()
	if end.lost() {
		m.lost.WithLabelValues(string(end)).Inc()
	}
}

// Panicked implements [Observer].
func (m *Metrics) Panicked() { m.uncaught.WithLabelValues(panicException).Inc() }

// Request counts one request to the server. call is the client's name of it;
// status is 0 where there was no answer.
func (m *Metrics) Request(call string, status int, took time.Duration) {
	method, uri := route(call)
	m.requestSeconds.WithLabelValues(method, uri, statusLabel(status)).Observe(took.Seconds())
}

// Unreadable counts tasks of an answer that had no readable ids.
func (m *Metrics) Unreadable(n int) { m.unreadable.Add(float64(n)) }

// ClockSkew sets how far the server's clock is ahead of this worker's.
func (m *Metrics) ClockSkew(d time.Duration) { m.clockSkew.Set(d.Seconds()) }

func statusOf(c conductor.Class) string {
	if c != "" {
		return failed
	}
	return success
}

func statusLabel(status int) string {
	if status < 100 || status > 599 {
		return "0"
	}
	return strconv.Itoa(status)
}

// route is the method and path template behind a call of the client.
func route(call string) (method, uri string) {
	switch call {
	case "poll":
		return "GET", "/tasks/poll/batch/{taskType}"
	case "update":
		return "POST", "/tasks"
	case "get task":
		return "GET", "/tasks/{taskId}"
	case "get taskdef":
		return "GET", "/metadata/taskdefs/{name}"
	case "create taskdef":
		return "POST", "/metadata/taskdefs"
	case "token":
		return "POST", "/token"
	case "version":
		return "GET", "/version"
	default:
		return "GET", "other"
	}
}

// closedSet keeps a label closed even if whoever gives its values errs: what is
// not known is learned as long as there is room, and is then "other".
type closedSet struct {
	mu   sync.Mutex
	room int
	seen map[string]struct{}
}

func newClosedSet(room int, known ...string) *closedSet {
	c := &closedSet{room: room, seen: make(map[string]struct{})}
	for _, s := range known {
		c.seen[s] = struct{}{}
	}
	return c
}

func (c *closedSet) label(s string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.seen[s]; ok {
		return s
	}
	if s == "" || len(s) > 64 || c.room <= 0 {
		return "other"
	}
	c.room--
	c.seen[s] = struct{}{}
	return s
}
