package cli

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"conductor-jwt/conductor"
	"conductor-jwt/keys"
	"conductor-jwt/worker"
)

// newRegistry registers every metric of the process.
func newRegistry(b build, metrics *worker.Metrics, parser *keys.Parser, s *signing) (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	for _, c := range append(keyCacheMetrics(parser),
		metrics,
		buildInfo(b),
		slots(s.c.Slots),
		s,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	) {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return registry, nil
}

func buildInfo(b build) prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "conductor_jwt_build_info", Help: "Always 1; the labels describe the build.",
	}, []string{"version", "commit", "go", "edition", "crypto"})
	info.WithLabelValues(b.Version, b.Commit, b.Go, b.Edition, b.Crypto).Set(1)
	return info
}

func slots(n int) prometheus.Collector {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "conductor_jwt_slots", Help: "Maximum of tasks in flight: the setting `slots`.",
	})
	gauge.Set(float64(n))
	return gauge
}

func keyCacheMetrics(parser *keys.Parser) []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "conductor_jwt_key_cache_hits_total", Help: "Keys found in the cache of parsed keys.",
		}, func() float64 { return float64(parser.Stats().Hits) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "conductor_jwt_key_cache_misses_total", Help: "Keys not found in the cache of parsed keys.",
		}, func() float64 { return float64(parser.Stats().Misses) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "conductor_jwt_key_cache_entries", Help: "Keys in the cache of parsed keys.",
		}, func() float64 { return float64(parser.Stats().Entries) }),
	}
}

// observer adds the client's observations to the metrics, and warns of clock skew.
func observer(metrics *worker.Metrics, log *slog.Logger) func(conductor.Observation) {
	clocks := &clockWatch{log: log}
	return func(o conductor.Observation) {
		metrics.Request(o.Call, o.Status, o.Duration)
		if o.HasSkew {
			metrics.ClockSkew(o.Skew)
			clocks.see(o.Skew)
		}
	}
}

// maxSkew is the maximum difference of two clocks without a warning. Verifiers
// allow a minute or so (RFC 7519 §4.1.4: "no more than a few minutes").
const maxSkew = time.Minute

// clockWatch warns of clock skew once; the metric has the later values.
type clockWatch struct {
	log  *slog.Logger
	once sync.Once
}

func (w *clockWatch) see(skew time.Duration) {
	if skew.Abs() <= maxSkew {
		return
	}
	w.once.Do(func() {
		w.log.Warn("the clocks of the server and of this worker do not agree, so that verifiers may refuse tokens as expired or as not yet valid; synchronise both with a time server",
			"server_ahead_seconds", int64(skew/time.Second))
	})
}
