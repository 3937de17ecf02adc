package worker

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// Metrics are the metrics of the engine. Those without a prefix have the names,
// labels and buckets of the Conductor SDKs' workers, so that dashboards made for
// those work here too. All labels come from closed sets. Metrics is a [prometheus.Collector].
type Metrics struct {
	polls          *prometheus.CounterVec
	started        *prometheus.CounterVec
	pollErrors     *prometheus.CounterVec
	executeErrors  *prometheus.CounterVec
	updateErrors   *prometheus.CounterVec
	queueFull      *prometheus.CounterVec
	uncaught       *prometheus.CounterVec
	pollSeconds    *prometheus.HistogramVec
	executeSeconds *prometheus.HistogramVec
	updateSeconds  *prometheus.HistogramVec
	resultBytes    *prometheus.HistogramVec
	requestSeconds *prometheus.HistogramVec
	active         *prometheus.GaugeVec

	tokens     *prometheus.CounterVec
	failures   *prometheus.CounterVec
	ends       *prometheus.CounterVec
	lost       *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	noTimeout  *prometheus.CounterVec
	unreadable prometheus.Counter
	unchecked  prometheus.Counter
	clockSkew  prometheus.Gauge
	denials    *prometheus.CounterVec

	labels labelSets
}

// NewMetrics makes the metrics, with a series at zero for each task type.
func NewMetrics(taskTypes []string) *Metrics {
	m := &Metrics{
		polls:         counter("task_poll_total", "Polls of the server.", labelType),
		started:       counter("task_execution_started_total", "Tasks that were started.", labelType),
		pollErrors:    counter("task_poll_error_total", "Polls that failed.", labelType, labelException),
		executeErrors: counter("task_execute_error_total", "Tasks that were not completed.", labelType, labelException),
		updateErrors:  counter("task_update_error_total", "Attempts to update that failed.", labelType, labelException),
		queueFull:     counter("task_execution_queue_full_total", "Times that a poller with tasks to fetch found no free slot.", labelType),
		uncaught:      counter("thread_uncaught_exceptions_total", "Panics that were recovered.", labelException),

		pollSeconds:    seconds("task_poll_time_seconds", "Time of a poll, including the wait on the server.", labelType, labelStatus),
		executeSeconds: seconds("task_execute_time_seconds", "Time of an execution.", labelType, labelStatus),
		updateSeconds:  seconds("task_update_time_seconds", "Time of one attempt to update.", labelType, labelStatus),
		requestSeconds: seconds("http_api_client_request_seconds", "Time of a request to the server.", "method", "uri", labelStatus),
		resultBytes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "task_result_size_bytes", Help: "Size of a task's outputData.",
			Buckets: []float64{100, 1e3, 1e4, 1e5, 1e6, 1e7},
		}, []string{labelType}),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "active_workers", Help: "Tasks in flight: executing, or waiting for the acknowledgement of their update.",
		}, []string{labelType}),

		tokens:     counter("conductor_jwt_tokens_total", "Tokens that were signed.", "algorithm", "key_kind"),
		failures:   counter("conductor_jwt_failures_total", "Tasks that were not completed.", "code"),
		ends:       counter("conductor_jwt_deliveries_ended_total", "Deliveries by how they ended.", "end"),
		lost:       counter("conductor_jwt_updates_lost_total", "Results that the server did not accept.", "end"),
		duplicates: counter("conductor_jwt_duplicate_deliveries_total", "Deliveries of a task that was in flight already.", labelType),
		noTimeout:  counter("conductor_jwt_tasks_without_response_timeout_total", "Tasks whose definition has no response timeout: a crash would hang them forever.", labelType),
		unreadable: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conductor_jwt_tasks_unreadable_total", Help: "Polled tasks without readable ids: the server cannot be told how they ended.",
		}),
		unchecked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conductor_jwt_injection_unchecked_total", Help: "Tokens issued although the server did not permit the read that looks for injected secrets.",
		}),
		clockSkew: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "conductor_jwt_clock_skew_seconds", Help: "The server's clock, by its Date header, minus this worker's.",
		}),

		denials: counter("conductor_jwt_policy_denials_total", "Tasks that the policy denied.", "field"),

		labels: newLabelSets(taskTypes),
	}
	m.initSeries()
	return m
}

// Canonical labels are in camel case because the SDKs' are.
const (
	labelType      = "taskType"
	labelException = "exception"
	labelStatus    = "status"

	success, failed = "SUCCESS", "FAILURE"
	panicException  = "panic"
	codeDenied      = "policy_denied"
)

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func seconds(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help,
		Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, labels)
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.polls, m.started, m.pollErrors, m.executeErrors, m.updateErrors, m.queueFull, m.uncaught,
		m.pollSeconds, m.executeSeconds, m.updateSeconds, m.resultBytes, m.requestSeconds, m.active,
		m.tokens, m.failures, m.ends, m.lost, m.duplicates, m.noTimeout, m.unreadable, m.unchecked, m.clockSkew, m.denials,
	}
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(ch)
	}
}

// Polled counts a poll; err is nil if it succeeded.
func (m *Metrics) Polled(taskType string, err *conductor.Error, took time.Duration) {
	t, status := m.labels.taskTypes.label(taskType), success
	m.polls.WithLabelValues(t).Inc()
	if err != nil {
		status = failed
		m.pollErrors.WithLabelValues(t, m.labels.classes.label(string(err.Class))).Inc()
	}
	m.pollSeconds.WithLabelValues(t, status).Observe(took.Seconds())
}

// QueueFull counts that a poller with tasks to fetch found no free slot.
func (m *Metrics) QueueFull(taskType string) {
	m.queueFull.WithLabelValues(m.labels.taskTypes.label(taskType)).Inc()
}

// Received counts a delivery that is in flight until Ended.
func (m *Metrics) Received(taskType string) {
	t := m.labels.taskTypes.label(taskType)
	m.started.WithLabelValues(t).Inc()
	m.active.WithLabelValues(t).Inc()
}

// Duplicate counts a delivery of a task in flight.
func (m *Metrics) Duplicate(taskType string) {
	m.duplicates.WithLabelValues(m.labels.taskTypes.label(taskType)).Inc()
}

// NoResponseTimeout counts a delivery whose definition has no response timeout.
func (m *Metrics) NoResponseTimeout(taskType string) {
	m.noTimeout.WithLabelValues(m.labels.taskTypes.label(taskType)).Inc()
}

// Executed counts an execution.
func (m *Metrics) Executed(e Executed) {
	if e.Outcome.Unchecked {
		m.unchecked.Inc()
	}
	t, status := m.labels.taskTypes.label(e.TaskType), success
	switch {
	case e.Outcome.Status == api.Completed && (e.Outcome.Cached || e.Outcome.Verified): // nothing was signed for it
	case e.Outcome.Status == api.Completed:
		m.tokens.WithLabelValues(m.labels.algorithms.label(e.Outcome.Algorithm), m.labels.kinds.label(e.Outcome.KeyKind)).Inc()
	default:
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

// Updated counts one attempt to report outputData of so many bytes; err is nil if
// it succeeded.
func (m *Metrics) Updated(taskType string, err *conductor.Error, bytes int, took time.Duration) {
	t, status := m.labels.taskTypes.label(taskType), success
	if err != nil {
		status = failed
		m.updateErrors.WithLabelValues(t, m.labels.classes.label(string(err.Class))).Inc()
	} else {
		m.resultBytes.WithLabelValues(t).Observe(float64(bytes))
	}
	m.updateSeconds.WithLabelValues(t, status).Observe(took.Seconds())
}

// Ended counts a delivery that is no longer in flight.
func (m *Metrics) Ended(taskType string, end End) {
	m.active.WithLabelValues(m.labels.taskTypes.label(taskType)).Dec()
	m.ends.WithLabelValues(m.labels.ends.label(string(end))).Inc()
	if end.lost() {
		m.lost.WithLabelValues(string(end)).Inc()
	}
}

// panicked counts a panic that was recovered.
func (m *Metrics) panicked() { m.uncaught.WithLabelValues(panicException).Inc() }

// Request counts one call of the server. status is 0 if there was no answer.
func (m *Metrics) Request(call conductor.Call, status int, took time.Duration) {
	method, uri := call.Route()
	m.requestSeconds.WithLabelValues(method, uri, statusLabel(status)).Observe(took.Seconds())
}

// unreadableTask counts a task without readable ids.
func (m *Metrics) unreadableTask() { m.unreadable.Inc() }

// ClockSkew sets how far the server's clock is ahead of this worker's.
func (m *Metrics) ClockSkew(d time.Duration) { m.clockSkew.Set(d.Seconds()) }

// labelOther stands for every value outside its set.
const labelOther = "other"

// labelSets are the values that labels can have. They are known before the first
// task, so that no input can add a series.
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
		fields:     newClosedSet(task.InputNames()),
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

func codeNames() []string {
	var names []string
	for _, c := range task.Codes() {
		names = append(names, c.Name)
	}
	return names
}

// statusLabel is the status of an answer, and 0 if there was none. A server may
// send any number, so an unregistered status is "other".
func statusLabel(status int) string {
	switch {
	case status == 0:
		return "0"
	case http.StatusText(status) == "":
		return labelOther
	}
	return strconv.Itoa(status)
}

// initSeries makes the series that alerts watch: a series that began with its
// first event would not show that event as an increase.
func (m *Metrics) initSeries() {
	for t := range m.labels.taskTypes {
		m.initType(t)
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

func (m *Metrics) initType(t string) {
	for _, c := range []*prometheus.CounterVec{
		m.polls, m.started, m.queueFull, m.duplicates, m.noTimeout,
	} {
		c.WithLabelValues(t)
	}
	for class := range m.labels.classes {
		m.pollErrors.WithLabelValues(t, class)
		m.updateErrors.WithLabelValues(t, class)
	}
	m.active.WithLabelValues(t)
}
