package keyring_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/keyring"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// A reload takes over only versions of the same sources.
func TestReloadTakesOverVersions(t *testing.T) {
	const was = `keys: {k: {source: "vault-transit://t/k"}}`
	for name, row := range map[string]struct {
		text string
		key  string
		has  bool // the key signs although its store is unavailable
	}{
		"the same key":                  {was, "k", true},
		"the same, as one version":      {`keys: {k: {versions: [{source: "vault-transit://t/k"}]}}`, "k", true},
		"with another activation delay": {`keys: {k: {source: "vault-transit://t/k", activation_delay: 20m}}`, "k", true},
		"beside a new key":              {`keys: {new: {source: "vault-transit://t/l"}, k: {source: "vault-transit://t/k"}}`, "k", true},
		"a new key beside it":           {`keys: {new: {source: "vault-transit://t/l"}, k: {source: "vault-transit://t/k"}}`, "new", false},
		"a new name for the source":     {`keys: {new: {source: "vault-transit://t/k"}}`, "new", false},
		"another source":                {`keys: {k: {source: "vault-transit://t/l"}}`, "k", false},
		"another kid":                   {`keys: {k: {source: "vault-transit://t/k", kid: x}}`, "k", false},
		"a from that was not there":     {`keys: {k: {versions: [{source: "vault-transit://t/k", from: 1999-01-01T00:00:00Z}]}}`, "k", false},
		"one version more":              {`keys: {k: {versions: [{source: "vault-transit://t/k"}, {source: "vault-transit://t/l"}]}}`, "k", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &fixture{memoryStore: newMemoryStore(), text: was}
			r.timed = true
			r.put("vault-transit://t/k", edKey(t, time.Now().Add(-time.Hour)))
			ring := r.ring(t, nil)
			r.fail("vault-transit://t/k", unavailable())
			r.fail("vault-transit://t/l", unavailable())
			r.text = row.text
			_, err := r.ring(t, ring).Resolve(t.Context(), keys.Ref{Name: row.key})
			if row.has && err != nil || !row.has && !isReason(err, keys.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// A key that was never read has no versions to take over.
func TestReloadOfAKeyThatWasNeverRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k"}}`}
		r.fail("vault-transit://t/k", unavailable())
		again := r.ring(t, r.ring(t, nil))
		if _, err := again.Resolve(t.Context(), keys.Ref{Name: "k"}); !isReason(err, keys.ErrUnavailable) {
			t.Error(err)
		}
	})
}

// Without a time of creation a version signs always, and its age is unknown.
func TestVersionOfUnknownAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `keys: {k: {source: "vault-transit://t/k"}}`}
		r.timed = true
		r.put("vault-transit://t/k", edKey(t, time.Time{}))
		ring := r.ring(t, nil)
		signs(t, ring, "k")
		v := ring.Status()[0].Versions[0]
		if !v.From.IsZero() || !v.Created.IsZero() || !v.Since().IsZero() {
			t.Errorf("%+v", v)
		}
		if value, ok := gathered(t, ring)[`conductor_jwt_key_age_seconds{k}`]; ok {
			t.Errorf("its age is %v", value)
		}
	})
}

func TestAgeOfVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at 2000-01-01T00:00:00Z
		for name, row := range map[string]struct {
			created time.Time
			text    string
			age     time.Duration
		}{
			"since it was made":         {time.Now().Add(-time.Hour), `keys: {k: {source: "vault-transit://t/k"}}`, time.Hour},
			"since it may sign":         {time.Time{}, `keys: {k: {versions: [{source: "vault-transit://t/k", from: 1999-12-31T22:00:00Z}]}}`, 2 * time.Hour},
			"made before it could sign": {time.Now().Add(-3 * time.Hour), `keys: {k: {versions: [{source: "vault-transit://t/k", from: 1999-12-31T22:00:00Z}]}}`, 3 * time.Hour},
		} {
			r := &fixture{memoryStore: newMemoryStore(), text: row.text}
			r.timed = true
			r.put("vault-transit://t/k", edKey(t, row.created))
			if got := gathered(t, r.ring(t, nil))[`conductor_jwt_key_age_seconds{k}`]; got != row.age.Seconds() {
				t.Errorf("%s: %v seconds, want %v", name, got, row.age.Seconds())
			}
		}
	})
}

// A source knows whether its store has the time of a version.
func TestVersionsWithoutTimes(t *testing.T) {
	const a, b = `{source: "vault-transit://t/a"}`, `{source: "vault-transit://t/b"}`
	const fromA, fromB = `{source: "vault-transit://t/a", from: 1998-01-01T00:00:00Z}`, `{source: "vault-transit://t/b", from: 1999-01-01T00:00:00Z}`
	for _, row := range []struct {
		timed    bool
		versions string
		fault    bool
	}{
		{true, a + "," + b, false},
		{false, a, false},
		{false, fromA + "," + fromB, false},
		{false, a + "," + b, true},
		{false, fromA + "," + b, true},
		{false, a + "," + fromB, true},
	} {
		r := &fixture{memoryStore: newMemoryStore(), text: "keys: {k: {versions: [" + row.versions + "]}}"}
		r.timed = row.timed
		r.put("vault-transit://t/a", edKey(t, time.Now()))
		r.put("vault-transit://t/b", edKey(t, time.Now()))
		_, err := keyring.New(t.Context(), r.options(t), nil)
		if _, ok := errors.AsType[*policy.Error](err); ok != row.fault || row.fault && !strings.Contains(err.Error(), "from: the version has no from, and its source no creation time") {
			t.Errorf("timed %t, %s: %v", row.timed, row.versions, err)
		}
	}
}

// A delivered key has no metrics; the keys after it have.
func TestMetricsOfEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &fixture{memoryStore: newMemoryStore(), text: `
keys:
  first: {source: "conductor:signing-key"}
  k:
    publish: true
    versions:
      - {source: "file:///a", from: 1999-01-01T00:00:00Z}
      - {source: "file:///b", from: 1999-12-31T23:59:00Z}
      - {source: "file:///c", from: 2000-01-02T00:00:00Z}
      - {source: "file:///d", from: 2000-01-03T00:00:00Z}
  away: {source: "gcpkms://k"}
`}
		for _, name := range []string{"a", "b", "c", "d"} {
			r.put("file:///"+name, edKey(t, time.Time{}))
		}
		r.fail("gcpkms://k", unavailable())
		ring := r.ring(t, nil)
		time.Sleep(30 * time.Second)
		got := gathered(t, ring)
		for name, want := range map[string]float64{
			"conductor_jwt_key_versions{k,published}":        2,
			"conductor_jwt_key_versions{k,active}":           1,
			"conductor_jwt_key_versions{k,retired}":          1,
			"conductor_jwt_key_versions{away,active}":        0,
			"conductor_jwt_key_refresh_failures_total{k}":    0,
			"conductor_jwt_key_refresh_failures_total{away}": 1,
			"conductor_jwt_key_refresh_age_seconds{k}":       30,
			"conductor_jwt_key_age_seconds{k}":               90,
		} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %v (present: %t), want %v", name, value, ok, want)
			}
		}
		for name := range got {
			if strings.Contains(name, "first") || strings.Contains(name, "refresh_age_seconds{away") {
				t.Errorf("%s has no meaning", name)
			}
		}
	})
}

// gathered returns the metrics of a ring, each series as name{label,label}.
func gathered(t *testing.T, ring *keyring.Ring) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(collector{ring}); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			series[fmt.Sprintf("%s{%s}", f.GetName(), strings.Join(labels, ","))] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return series
}

type collector struct{ ring *keyring.Ring }

func (c collector) Describe(ch chan<- *prometheus.Desc) { keyring.Describe(ch) }
func (c collector) Collect(ch chan<- prometheus.Metric) { c.ring.Collect(ch) }
