package keyring

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Status is what is known of a named key.
type Status struct {
	Name     string
	Versions []VersionStatus // in the order of their turns; without those that are gone
	Publish  bool
	// Delivered is the secret that comes with each task as this key, which then
	// has no Versions; empty for a key of a store.
	Delivered string
	Refreshed time.Time // when its sources were last heard; zero: never
	Failures  int64     // refreshes that failed
	Failing   bool      // so did the last one
}

// VersionStatus is where one version stands.
type VersionStatus struct {
	KeyID     string
	Algorithm string // its default
	State     State
	Created   time.Time // zero where nobody knows
	From      time.Time // when it begins or began to sign; zero: always
	Until     time.Time // when it is no longer published; zero where nobody knows yet
}

// Since is when the version was made or, where nobody knows, began to sign;
// zero where nobody knows that either.
func (v VersionStatus) Since() time.Time {
	if v.Created.IsZero() {
		return v.From
	}
	return v.Created
}

// Status gives all keys, in the order of the file.
func (r *Ring) Status() []Status {
	now := r.o.Now()
	list := make([]Status, 0, len(r.order))
	for _, n := range r.order {
		s := Status{
			Name: n.policy.Name, Publish: n.policy.Publish, Delivered: n.delivered,
			Failures: n.failures.Load(), Failing: n.failing.Load(),
		}
		if l := n.loaded.Load(); l != nil {
			s.Refreshed = l.at
			for _, k := range l.versions.published(now, n.policy.RetireAfter) {
				v := VersionStatus{KeyID: k.kid, State: k.state, Created: k.Created(), From: k.turn, Until: k.until}
				if len(k.algorithms) > 0 {
					v.Algorithm = string(k.algorithms[0])
				}
				s.Versions = append(s.Versions, v)
			}
		}
		list = append(list, s)
	}
	return list
}

// descriptions are those of a Ring's metrics. Names of keys are the
// operator's, so their set is closed.
type descriptions struct{ age, heard, failures, versions, open *prometheus.Desc }

func describe() descriptions {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("conductor_jwt_"+name, help, labels, nil)
	}
	return descriptions{
		age:      desc("key_age_seconds", "Time since the version that signs was made or began to sign, where that is known.", "key"),
		heard:    desc("key_refresh_age_seconds", "Time since the sources of a key were last read.", "key"),
		failures: desc("key_refresh_failures_total", "Times that the sources of a key could not be read, or held no key to use.", "key"),
		versions: desc("key_versions", "Versions of a key, by state.", "key", "state"),
		open:     desc("key_store_open", "Whether a key store has failed so often that it is left alone for now.", "store"),
	}
}

// Describe tells the metrics of every Ring.
func Describe(ch chan<- *prometheus.Desc) {
	d := describe()
	for _, desc := range []*prometheus.Desc{d.age, d.heard, d.failures, d.versions, d.open} {
		ch <- desc
	}
}

// Collect gives the metrics of the keys as they are now.
func (r *Ring) Collect(ch chan<- prometheus.Metric) {
	d, now := describe(), r.o.Now()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, s := range r.Status() {
		if s.Delivered != "" {
			continue
		}
		ch <- prometheus.MustNewConstMetric(d.failures, prometheus.CounterValue, float64(s.Failures), s.Name)
		if !s.Refreshed.IsZero() {
			gauge(d.heard, now.Sub(s.Refreshed).Seconds(), s.Name)
		}
		count := map[State]int{}
		for _, v := range s.Versions {
			count[v.State]++
			if since := v.Since(); v.State == Active && !since.IsZero() {
				gauge(d.age, now.Sub(since).Seconds(), s.Name)
			}
		}
		for _, state := range []State{Published, Active, Retired} {
			gauge(d.versions, float64(count[state]), s.Name, string(state))
		}
	}
	for name, open := range r.o.Stores.Open() {
		value := 0.0
		if open {
			value = 1
		}
		gauge(d.open, value, name)
	}
}
