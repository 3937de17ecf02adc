package exchange

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/provider"
)

// metrics count exchanges by the names of built-in profiles, which are a closed set.
type metrics struct {
	seconds *prometheus.HistogramVec

	mu     sync.Mutex
	counts map[string]*counts
}

// counts are those of one provider.
type counts struct {
	outcomes map[outcome]int
	hits     int
}

func newMetrics() *metrics {
	m := &metrics{
		counts: map[string]*counts{},
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "conductor_jwt_exchange_seconds", Help: "Time of a request to a token endpoint.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"provider"}),
	}
	// Alerts watch these: a series that began with its first event would not show that
	// event as an increase.
	for _, p := range provider.Profiles() {
		if p.Exchange != nil {
			m.counts[p.Name] = &counts{outcomes: map[outcome]int{outcomeRefused: 0, outcomeUnavailable: 0, outcomeThrottled: 0}}
		}
	}
	return m
}

func (m *metrics) add(p *provider.Profile, add func(*counts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.counts[p.Provider()]
	if !ok {
		c = &counts{outcomes: map[outcome]int{}}
		m.counts[p.Provider()] = c
	}
	add(c)
}

func (m *metrics) count(p *provider.Profile, o outcome) {
	m.add(p, func(c *counts) { c.outcomes[o]++ })
}

func (m *metrics) hit(p *provider.Profile) { m.add(p, func(c *counts) { c.hits++ }) }

func (m *metrics) took(p *provider.Profile, d time.Duration) {
	m.seconds.WithLabelValues(p.Provider()).Observe(d.Seconds())
}

// Status describes the access tokens of one provider since the start.
type Status struct {
	Name    string // of its built-in profile
	Hits    int    // tokens that were given out of the cache
	Granted int    // exchanges
	Refused int    // exchanges that the provider refused
	Failed  int    // exchanges that ended otherwise, or were not made
}

// Status returns the status of each provider that was used, by their names, and the
// number of tokens in the cache.
func (x *Exchanger) Status() (list []Status, cached int) {
	m := x.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.counts)) {
		s := Status{Name: name, Hits: m.counts[name].hits}
		for o, n := range m.counts[name].outcomes {
			switch o {
			case outcomeGranted:
				s.Granted = n
			case outcomeRefused:
				s.Refused = n
			default:
				s.Failed += n
			}
		}
		if s != (Status{Name: name}) {
			list = append(list, s)
		}
	}
	return list, x.entries()
}

var _ prometheus.Collector = (*Exchanger)(nil)

// descriptions are those of the metrics that are made of counts.
type descriptions struct{ exchanges, hits, entries *prometheus.Desc }

func describe() descriptions {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("conductor_jwt_exchange_"+name, help, labels, nil)
	}
	return descriptions{
		exchanges: desc("total", "Exchanges of a signed token for an access token.", "provider", "outcome"),
		hits:      desc("cache_hits_total", "Access tokens given out of the cache.", "provider"),
		entries:   desc("cache_entries", "Access tokens in the cache."),
	}
}

// Describe implements [prometheus.Collector].
func (x *Exchanger) Describe(ch chan<- *prometheus.Desc) {
	d := describe()
	for _, desc := range []*prometheus.Desc{d.exchanges, d.hits, d.entries} {
		ch <- desc
	}
	x.metrics.seconds.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (x *Exchanger) Collect(ch chan<- prometheus.Metric) {
	d, m := describe(), x.metrics
	ch <- prometheus.MustNewConstMetric(d.entries, prometheus.GaugeValue, float64(x.entries()))
	m.seconds.Collect(ch)
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, c := range m.counts {
		for o, n := range c.outcomes {
			ch <- prometheus.MustNewConstMetric(d.exchanges, prometheus.CounterValue, float64(n), name, string(o))
		}
		ch <- prometheus.MustNewConstMetric(d.hits, prometheus.CounterValue, float64(c.hits), name)
	}
}
