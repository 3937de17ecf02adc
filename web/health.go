package web

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// HealthOptions configure [HealthHandler].
type HealthOptions struct {
	// Live returns nil while the process works. It must not depend on other
	// processes: an outage of theirs would restart every replica.
	Live    func() error
	Ready   func() Readiness
	Status  func() Status
	Metrics prometheus.Gatherer
	Logger  *slog.Logger
}

// Readiness is the response of /readyz.
type Readiness struct {
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`  // why it is not ready
	Details any    `json:"details,omitempty"` // for /readyz?verbose
}

const (
	scrapeTimeout = 10 * time.Second
	maxScrapes    = 4 // at once
)

// HealthHandler serves /livez, /readyz, /metrics and /status; everything else is a
// 404. Probes may have any Host. On loopback, /metrics and /readyz?verbose need a
// Host of this machine. /status, the JSON of a [Status], is for clients on this
// machine: it has names of workflows and settings.
func HealthHandler(o HealthOptions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", o.live)
	mux.HandleFunc("GET /readyz", o.ready)
	mux.Handle("GET /metrics", checkHost(promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(o.Logger.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
	})))
	mux.Handle("GET /status", checkHost(requireSameMachine(statusJSON(o.Status))))
	return noStore(mux)
}

func statusJSON(status func() Status) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, status()) }
}

func (o HealthOptions) live(w http.ResponseWriter, _ *http.Request) {
	if err := o.Live(); err != nil {
		writeText(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	writeText(w, http.StatusOK, "live")
}

func (o HealthOptions) ready(w http.ResponseWriter, r *http.Request) {
	verbose := r.URL.Query().Has("verbose")
	if verbose && refuseHost(w, r) {
		return
	}
	readiness := o.Ready()
	status := http.StatusOK
	if !readiness.Ready {
		status = http.StatusServiceUnavailable
	}
	if verbose {
		writeJSON(w, status, readiness)
		return
	}
	if readiness.Ready {
		writeText(w, status, "ready")
		return
	}
	writeText(w, status, "not ready: "+readiness.Reason)
}
