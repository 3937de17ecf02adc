package keyring

import "github.com/prometheus/client_golang/prometheus"

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
