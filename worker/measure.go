package worker

import (
	"time"

	"conductor-jwt/task"
)

// Polled implements [Observer].
func (m *Metrics) Polled(e Polled) {
	t := m.labels.taskType(e.TaskType)
	m.polls.WithLabelValues(t).Inc()
	if e.Class != "" {
		m.pollErrors.WithLabelValues(t, m.labels.class(e.Class)).Inc()
	}
	m.pollSeconds.WithLabelValues(t, statusOf(e.Class)).Observe(e.Took.Seconds())
}

// QueueFull implements [Observer].
func (m *Metrics) QueueFull(taskType string) {
	m.queueFull.WithLabelValues(m.labels.taskType(taskType)).Inc()
}

// Received implements [Observer].
func (m *Metrics) Received(taskType string) {
	t := m.labels.taskType(taskType)
	m.started.WithLabelValues(t).Inc()
	m.active.WithLabelValues(t).Inc()
}

// Duplicate implements [Observer].
func (m *Metrics) Duplicate(taskType string) {
	m.duplicates.WithLabelValues(m.labels.taskType(taskType)).Inc()
}

// Unbounded implements [Observer].
func (m *Metrics) Unbounded(taskType string) {
	m.unbounded.WithLabelValues(m.labels.taskType(taskType)).Inc()
}

// Executed implements [Observer].
func (m *Metrics) Executed(e Executed) {
	if e.Outcome.Panicked {
		m.Panicked()
	}
	if e.Outcome.Unchecked {
		m.unchecked.Inc()
	}
	t, status := m.labels.taskType(e.TaskType), success
	if e.Outcome.Status == task.Completed {
		m.tokens.WithLabelValues(m.labels.algorithms.label(e.Outcome.Algorithm), m.labels.kinds.label(e.Outcome.KeyKind)).Inc()
	} else {
		status = failed
		m.fault(t, e.Outcome.Fault)
	}
	m.executeSeconds.WithLabelValues(t, status).Observe(e.Took.Seconds())
}

func (m *Metrics) fault(taskType string, f task.Fault) {
	code := m.labels.codes.label(f.Code)
	m.executeErrors.WithLabelValues(taskType, code).Inc()
	m.failures.WithLabelValues(code).Inc()
	if code == codeDenied {
		m.denials.WithLabelValues(m.labels.fields.label(f.Field)).Inc()
	}
}

// Updated implements [Observer].
func (m *Metrics) Updated(e Updated) {
	t := m.labels.taskType(e.TaskType)
	if e.Class != "" {
		m.updateErrors.WithLabelValues(t, m.labels.class(e.Class)).Inc()
	} else {
		m.resultBytes.WithLabelValues(t).Observe(float64(e.Bytes))
	}
	m.updateSeconds.WithLabelValues(t, statusOf(e.Class)).Observe(e.Took.Seconds())
}

// Ended implements [Observer].
func (m *Metrics) Ended(taskType string, end End) {
	m.active.WithLabelValues(m.labels.taskType(taskType)).Dec()
	m.ends.WithLabelValues(m.labels.ends.label(string(end))).Inc()
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
