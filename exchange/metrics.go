package exchange

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/provider"
)

// metrics are those of exchanges. The label provider is the name of a built-in profile.
type metrics struct {
	exchanges *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	hits      *prometheus.CounterVec
	entries   prometheus.GaugeFunc
}

var _ prometheus.Collector = (*Exchanger)(nil)

func newMetrics(x *Exchanger) *metrics {
	m := &metrics{
		exchanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conductor_jwt_exchange_total", Help: "Exchanges of a signed token for an access token, by outcome.",
		}, []string{"provider", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "conductor_jwt_exchange_seconds", Help: "Time of a request to a token endpoint.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"provider"}),
		hits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conductor_jwt_exchange_cache_hits_total", Help: "Access tokens that were given out of the cache.",
		}, []string{"provider"}),
		entries: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "conductor_jwt_exchange_cache_entries", Help: "Access tokens in the cache.",
		}, func() float64 { return float64(x.entries()) }),
	}
	m.initSeries()
	return m
}

// initSeries makes the series that alerts watch: one that began with its first event
// would not show that event as an increase.
func (m *metrics) initSeries() {
	for _, p := range provider.Profiles() {
		if p.Exchange != nil {
			m.exchanges.WithLabelValues(p.Name, string(outcomeRefused))
			m.exchanges.WithLabelValues(p.Name, string(outcomeUnavailable))
			m.hits.WithLabelValues(p.Name)
		}
	}
}

func (m *metrics) count(p *provider.Profile, o outcome) {
	m.exchanges.WithLabelValues(p.Provider(), string(o)).Inc()
}

func (m *metrics) took(p *provider.Profile, d time.Duration) {
	m.seconds.WithLabelValues(p.Provider()).Observe(d.Seconds())
}

func (m *metrics) hit(p *provider.Profile) { m.hits.WithLabelValues(p.Provider()).Inc() }

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.exchanges, m.seconds, m.hits, m.entries}
}

// Describe implements [prometheus.Collector].
func (x *Exchanger) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range x.metrics.collectors() {
		c.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (x *Exchanger) Collect(ch chan<- prometheus.Metric) {
	for _, c := range x.metrics.collectors() {
		c.Collect(ch)
	}
}
