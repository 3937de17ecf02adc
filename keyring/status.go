package keyring

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Status describes a named key.
type Status struct {
	Name     string
	Versions []VersionStatus // published, active and retired ones, in their order
	Publish  bool
	// Delivered is the name of the secret that the server delivers with each task as
	// this key, which then has no Versions; empty for a key of a store.
	Delivered string
	Refreshed time.Time // when its sources were last read; zero: never
	Failures  int64     // failed refreshes
	Failing   bool      // the last refresh failed
}

// VersionStatus describes a version of a key.
type VersionStatus struct {
	KeyID     string
	Algorithm string // the default one
	State     State
	Created   time.Time // zero: not known
	From      time.Time // when it begins or began to sign; zero: always
	Until     time.Time // end of its publication; zero: not known yet
}

// Since returns when the version was created or, where that is not known, began to
// sign; zero where neither is known.
func (v VersionStatus) Since() time.Time {
	if v.Created.IsZero() {
		return v.From
	}
	return v.Created
}

// Status returns the status of all keys, in the order of the file.
func (r *Ring) Status() []Status {
	now := r.o.Now()
	list := make([]Status, 0, len(r.order))
	for _, n := range r.order {
		s := Status{
			Name: n.policy.Name, Publish: n.policy.Publish, Delivered: n.delivered,
			Failures: n.failures.Load(), Failing: n.failing.Load(),
		}
		if loaded := n.loaded.Load(); loaded != nil {
			s.Refreshed = loaded.at
			for _, v := range loaded.versions.published(now, n.policy.RetireAfter) {
				s.Versions = append(s.Versions, v.status())
			}
		}
		list = append(list, s)
	}
	return list
}

func (v publishedVersion) status() VersionStatus {
	s := VersionStatus{KeyID: v.kid, State: v.state, Created: v.Created(), From: v.from, Until: v.until}
	if len(v.algorithms) > 0 {
		s.Algorithm = string(v.algorithms[0])
	}
	return s
}

// descriptions are those of a Ring's metrics. The label key has a bounded number of
// values, since the operator names the keys.
type descriptions struct{ age, refreshed, failures, versions, open *prometheus.Desc }

func describe() descriptions {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("conductor_jwt_"+name, help, labels, nil)
	}
	return descriptions{
		age:       desc("key_age_seconds", "Time since the active version was created or began to sign, if known.", "key"),
		refreshed: desc("key_refresh_age_seconds", "Time since the sources of a key were last read.", "key"),
		failures:  desc("key_refresh_failures_total", "Failed refreshes of a key: a source could not be read, or held no usable key.", "key"),
		versions:  desc("key_versions", "Versions of a key.", "key", "state"),
		open:      desc("key_store_open", "Whether the circuit breaker of a store is open.", "store"),
	}
}

// Describe sends the descriptions of a Ring's metrics.
func Describe(ch chan<- *prometheus.Desc) {
	d := describe()
	for _, desc := range []*prometheus.Desc{d.age, d.refreshed, d.failures, d.versions, d.open} {
		ch <- desc
	}
}

// Collect sends the current metrics of the keys.
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
			gauge(d.refreshed, now.Sub(s.Refreshed).Seconds(), s.Name)
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
