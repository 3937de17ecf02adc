package verifier

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The outcomes of a fetch.
const (
	outcomeOK          = "ok"
	outcomeUnreachable = "unreachable" // no answer
	outcomeStatus      = "status"      // an answer of another status than 200
	outcomeInvalid     = "invalid"     // no JWK Set, or another issuer's metadata
	outcomeAddress     = "address"     // an address that is not permitted
)

func fetchOutcomes() []string {
	return []string{outcomeOK, outcomeUnreachable, outcomeStatus, outcomeInvalid, outcomeAddress}
}

func outcomeOf(err error) string {
	if err == nil {
		return outcomeOK
	}
	if e, ok := errors.AsType[*fetchError](err); ok {
		return e.outcome
	}
	return outcomeUnreachable
}

// The outcomes of a verification.
const (
	outcomeValid       = "valid"
	outcomeNotValid    = "invalid"
	outcomeUnavailable = "unavailable"
)

func verifyOutcomes() []string {
	return []string{outcomeValid, outcomeNotValid, outcomeUnavailable}
}

// Metrics count what [Verifiers] do. They outlive a reload of the policy. The names of
// verifiers are a bounded set, since the operator chooses them.
type Metrics struct {
	verify, fetch *prometheus.CounterVec
}

// inlineLabel is the label of tokens that are verified with a key in the task. No
// verifier has the name.
const inlineLabel = "(inline)"

// NewMetrics returns metrics without a verifier.
func NewMetrics() *Metrics {
	m := &Metrics{
		verify: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conductor_jwt_verify_total", Help: "Tokens of VERIFY_JWT tasks.",
		}, []string{"verifier", "outcome"}),
		fetch: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conductor_jwt_jwks_fetch_total", Help: "Fetches of a JWK Set.",
		}, []string{"verifier", "outcome"}),
	}
	m.begin(inlineLabel, verifyOutcomes(), nil)
	return m
}

// begin makes the series of a verifier.
func (m *Metrics) begin(name string, verify, fetch []string) {
	for _, outcome := range verify {
		m.verify.WithLabelValues(name, outcome)
	}
	for _, outcome := range fetch {
		m.fetch.WithLabelValues(name, outcome)
	}
}

// end removes the series of a verifier.
func (m *Metrics) end(name string) {
	m.verify.DeletePartialMatch(prometheus.Labels{"verifier": name})
	m.fetch.DeletePartialMatch(prometheus.Labels{"verifier": name})
}

func (m *Metrics) fetched(name, outcome string) { m.fetch.WithLabelValues(name, outcome).Inc() }

// verified counts a token by the error of its verification; nil for a valid one. An
// error that is about neither the token nor its issuer does not count.
func (m *Metrics) verified(name string, err error) {
	outcome := outcomeValid
	if err != nil {
		_, isInvalid := errors.AsType[*Invalid](err)
		switch {
		case isInvalid:
			outcome = outcomeNotValid
		case errors.Is(err, ErrUnavailable):
			outcome = outcomeUnavailable
		default:
			return
		}
	}
	m.verify.WithLabelValues(name, outcome).Inc()
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	m.verify.Describe(ch)
	m.fetch.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.verify.Collect(ch)
	m.fetch.Collect(ch)
}

// descriptions are those of the metrics of a Verifiers.
type descriptions struct{ age, failing *prometheus.Desc }

func describe() descriptions {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("conductor_jwt_jwks_"+name, help, []string{"verifier"}, nil)
	}
	return descriptions{
		age:     desc("age_seconds", "Time since the JWK Set was last fetched."),
		failing: desc("failing", "Whether the last fetch of the JWK Set failed."),
	}
}

// Describe sends the descriptions of the metrics of a [Verifiers].
func Describe(ch chan<- *prometheus.Desc) {
	d := describe()
	ch <- d.age
	ch <- d.failing
}

// Collect sends the current metrics of the sets.
func (v *Verifiers) Collect(ch chan<- prometheus.Metric) {
	d := describe()
	for _, s := range v.Status() {
		failing := 0.0
		if s.Failing {
			failing = 1
		}
		ch <- prometheus.MustNewConstMetric(d.failing, prometheus.GaugeValue, failing, s.Name)
		if !s.Fetched.IsZero() {
			ch <- prometheus.MustNewConstMetric(d.age, prometheus.GaugeValue, v.o.Now().Sub(s.Fetched).Seconds(), s.Name)
		}
	}
}

// Status describes the JWK Set of a verifier.
type Status struct {
	Name    string
	Keys    int
	Fetched time.Time // zero: never
	Failing bool      // the last fetch failed
}

// Status returns the status of all verifiers, in the order of the file.
func (v *Verifiers) Status() []Status {
	list := make([]Status, 0, len(v.order))
	for _, n := range v.order {
		state := n.set.current()
		list = append(list, Status{Name: n.policy.Name, Keys: state.set.Len(), Fetched: state.at, Failing: state.failure != nil})
	}
	return list
}
