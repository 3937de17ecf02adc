package web

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options is what a [Handler] shows.
type Options struct {
	// Live returns nil while the process works. It must depend on nothing
	// outside: an outage elsewhere would restart every replica.
	Live func() error
	// Ready is asked by /readyz.
	Ready func() Readiness
	// Metrics are gathered by /metrics.
	Metrics prometheus.Gatherer
	Logger  *slog.Logger
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`  // why not
	Details any    `json:"details,omitempty"` // shown by /readyz?verbose
}

// Bounds of one scrape.
const (
	scrapeTimeout = 10 * time.Second
	scrapesAtOnce = 4
)

// Handler serves /livez, /readyz and /metrics; everything else is a 404. Probes
// may have any Host. At loopback, the rest needs the Host of this machine.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", o.live)
	mux.HandleFunc("GET /readyz", o.ready)
	mux.Handle("GET /metrics", CheckHost(promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(o.Logger.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapesAtOnce,
		Timeout:             scrapeTimeout,
	})))
	return guard(mux)
}

func (o Options) live(w http.ResponseWriter, _ *http.Request) {
	if err := o.Live(); err != nil {
		writeText(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	writeText(w, http.StatusOK, "live")
}

func (o Options) ready(w http.ResponseWriter, r *http.Request) {
	verbose := r.URL.Query().Has("verbose")
	if verbose && misdirected(w, r) {
		return
	}
	answer := o.Ready()
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	if verbose {
		writeJSON(w, status, answer)
		return
	}
	if answer.Ready {
		writeText(w, status, "ready")
		return
	}
	writeText(w, status, "not ready: "+answer.Reason)
}
