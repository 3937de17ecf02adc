package worker

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the engine's collectors. Those without a prefix are the canonical
// metrics of Conductor's workers, by name, label and bucket, so that dashboards
// made for the SDKs' workers read this one too. All labels come from closed
// sets. Metrics is an [Observer] and a [prometheus.Collector].
type Metrics struct {
	polls          *prometheus.CounterVec
	started        *prometheus.CounterVec
	pollErrors     *prometheus.CounterVec
	executeErrors  *prometheus.CounterVec
	updateErrors   *prometheus.CounterVec
	queueFull      *prometheus.CounterVec
	paused         *prometheus.CounterVec
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
	unbounded  *prometheus.CounterVec
	unreadable prometheus.Counter
	unchecked  prometheus.Counter
	clockSkew  prometheus.Gauge
	denials    *prometheus.CounterVec

	labels labelSets
}

// NewMetrics makes the collectors, with a series at zero for each task type.
func NewMetrics(taskTypes []string) *Metrics {
	m := &Metrics{
		polls:         counter("task_poll_total", "Polls of the server.", labelType),
		started:       counter("task_execution_started_total", "Tasks that were started.", labelType),
		pollErrors:    counter("task_poll_error_total", "Polls that failed, by class of failure.", labelType, labelException),
		executeErrors: counter("task_execute_error_total", "Tasks that were not completed, by code.", labelType, labelException),
		updateErrors:  counter("task_update_error_total", "Updates that failed, by class of failure; each attempt counts.", labelType, labelException),
		queueFull:     counter("task_execution_queue_full_total", "Times that tasks could not be polled for because no slot was free.", labelType),
		paused:        counter("task_paused_total", "Polls that were left out because the worker was paused; this one never is.", labelType),
		uncaught:      counter("thread_uncaught_exceptions_total", "Panics that were recovered.", labelException),

		pollSeconds:    seconds("task_poll_time_seconds", "Time of a poll, the server's waiting included.", labelType, labelStatus),
		executeSeconds: seconds("task_execute_time_seconds", "Time of an execution.", labelType, labelStatus),
		updateSeconds:  seconds("task_update_time_seconds", "Time of one attempt to update.", labelType, labelStatus),
		requestSeconds: seconds("http_api_client_request_seconds", "Time of a request to the server.", "method", "uri", labelStatus),
		resultBytes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "task_result_size_bytes", Help: "Size of a task's outputData.",
			Buckets: []float64{100, 1e3, 1e4, 1e5, 1e6, 1e7},
		}, []string{labelType}),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "active_workers", Help: "Tasks in hand: executed or waiting for the acknowledgement of their update.",
		}, []string{labelType}),

		tokens:     counter("conductor_jwt_tokens_total", "Tokens that were signed.", "algorithm", "key_kind"),
		failures:   counter("conductor_jwt_failures_total", "Tasks that were not completed, by error code.", "code"),
		ends:       counter("conductor_jwt_deliveries_ended_total", "Deliveries by the way they ended.", "end"),
		lost:       counter("conductor_jwt_updates_lost_total", "Results that the server did not take: it has to deliver the task again.", "end"),
		duplicates: counter("conductor_jwt_duplicate_deliveries_total", "Deliveries of a task that was in hand already.", labelType),
		unbounded:  counter("conductor_jwt_tasks_without_response_timeout_total", "Tasks whose definition has no response timeout: a crash would hang them forever.", labelType),
		unreadable: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conductor_jwt_tasks_unreadable_total", Help: "Polled tasks without readable ids: nothing can be said of them to the server.",
		}),
		unchecked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "conductor_jwt_injection_unchecked_total", Help: "Tokens given out although the server did not permit the read that looks for injected secrets.",
		}),
		clockSkew: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "conductor_jwt_clock_skew_seconds", Help: "The server's clock, by its Date header, minus this worker's.",
		}),

		denials: counter("conductor_jwt_policy_denials_total", "Tasks that the operator's policy did not allow, by the input that it did not allow.", "field"),

		labels: newLabelSets(taskTypes),
	}
	m.zero()
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
		m.polls, m.started, m.pollErrors, m.executeErrors, m.updateErrors, m.queueFull, m.paused, m.uncaught,
		m.pollSeconds, m.executeSeconds, m.updateSeconds, m.resultBytes, m.requestSeconds, m.active,
		m.tokens, m.failures, m.ends, m.lost, m.duplicates, m.unbounded, m.unreadable, m.unchecked, m.clockSkew, m.denials,
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
