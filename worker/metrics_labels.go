package worker

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/conductor"
	"conductor-jwt/task"
)

// labelOther is what a value that is not of its set counts as.
const labelOther = "other"

// labelSets are the values that labels can have, all known before the first
// task: no input, however hostile, makes a series of its own.
type labelSets struct {
	taskTypes, classes, codes, algorithms, kinds, fields, ends closedSet
}

func newLabelSets(taskTypes []string) labelSets {
	return labelSets{
		taskTypes:  newClosedSet(taskTypes),
		classes:    newClosedSet(conductor.Classes()),
		codes:      newClosedSet(codeNames()),
		algorithms: newClosedSet(task.Algorithms()),
		kinds:      newClosedSet(task.KeyKinds()),
		fields:     newClosedSet(task.InputKeys()),
		ends:       newClosedSet(ends()),
	}
}

type closedSet map[string]struct{}

func newClosedSet[S ~string](known []S) closedSet {
	c := closedSet{}
	for _, s := range known {
		c[string(s)] = struct{}{}
	}
	return c
}

func (c closedSet) label(s string) string {
	if _, ok := c[s]; ok {
		return s
	}
	return labelOther
}

func (l labelSets) taskType(t string) string { return l.taskTypes.label(t) }

func (l labelSets) class(c conductor.Class) string { return l.classes.label(string(c)) }

func codeNames() []string {
	var names []string
	for _, c := range task.Codes() {
		names = append(names, c.Name)
	}
	return names
}

func statusOf(c conductor.Class) string {
	if c != "" {
		return failed
	}
	return success
}

// statusLabel is the status of an answer, and 0 where there was none. One that
// no registry knows is the server's invention.
func statusLabel(status int) string {
	switch {
	case status == 0:
		return "0"
	case http.StatusText(status) == "":
		return labelOther
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
		return "GET", labelOther
	}
}

// zero makes the series that alerts look at before anything has happened: the
// first of what happens would else be no increase.
func (m *Metrics) zero() {
	for t := range m.labels.taskTypes {
		m.zeroType(t)
	}
	for code := range m.labels.codes {
		m.failures.WithLabelValues(code)
	}
	for field := range m.labels.fields {
		m.denials.WithLabelValues(field)
	}
	m.uncaught.WithLabelValues(panicException)
	for _, end := range ends() {
		m.ends.WithLabelValues(string(end))
		if end.lost() {
			m.lost.WithLabelValues(string(end))
		}
	}
}

func (m *Metrics) zeroType(t string) {
	for _, c := range []*prometheus.CounterVec{
		m.polls, m.started, m.queueFull, m.paused, m.duplicates, m.unbounded,
	} {
		c.WithLabelValues(t)
	}
	for class := range m.labels.classes {
		m.pollErrors.WithLabelValues(t, class)
		m.updateErrors.WithLabelValues(t, class)
	}
	m.active.WithLabelValues(t)
}
