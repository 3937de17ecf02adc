package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"time"

	"conductor-jwt/keyring"
	"conductor-jwt/worker"
)

// Status is what the status page shows. None of it is a secret.
type Status struct {
	Version, Edition, Crypto string

	Server, Domain, WorkerID string
	Began, Now               time.Time
	Health                   worker.Health
	Hour                     []worker.Minute
	Failures                 []worker.Failure // the latest first
	Keys                     []keyring.Status
	Settings                 []Setting // those that are set
	Defaults                 []Setting // the others

	// UI is the address of Conductor's own, for links; empty for none.
	UI string
}

// Setting is one line of the effective configuration, masked where it is a
// secret.
type Setting struct{ Name, Value, Origin string }

//go:embed status.html
var statusHTML string

// StatusHandler serves the status page at / alone. The page has no form, no
// script and nothing from elsewhere. It loads itself again every 10 s unless it
// is asked for as /?refresh=0.
func StatusHandler(status func() Status) http.Handler {
	page := template.Must(template.New("status").Parse(statusHTML))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		var body bytes.Buffer
		if err := page.Execute(&body, viewOf(status(), r.URL.Query().Get("refresh") != "0")); err != nil {
			writeText(w, http.StatusInternalServerError, "the page cannot be shown")
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(body.Bytes()) // the client may have disconnected
	})
	return guard(mux)
}

// view is what status.html shows: a [Status] in words and measures.
type view struct {
	Status

	Refresh   bool
	State     mark
	Up        string
	Queues    []queueRow
	SlotsUsed int // in percent
	Chart     chart
	Codes     []codeRow
	Failures  []failureRow
	Keys      []keyRow
}

// mark is a state. The page tells good from bad by a sign as well as a colour.
type mark struct {
	Text string
	Bad  bool
}

func viewOf(s Status, refresh bool) view {
	return view{
		Status:    s,
		Refresh:   refresh,
		State:     overall(s),
		Up:        age(s.Now.Sub(s.Began)),
		Queues:    queueRows(s),
		SlotsUsed: min(s.Health.InFlight*100/max(s.Health.Slots, 1), 100),
		Chart:     chartOf(s),
		Codes:     codeRows(s.Hour),
		Failures:  failureRows(s),
		Keys:      keyRows(s),
	}
}

// overall is the headline: the first of these that holds.
func overall(s Status) mark {
	queues, keys := 0, 0
	for _, q := range s.Health.Queues {
		if q.Failing != "" {
			queues++
		}
	}
	for _, k := range s.Keys {
		if k.Failing {
			keys++
		}
	}
	switch {
	case s.Health.Draining:
		return mark{"draining", true}
	case !s.Health.Polled:
		return mark{"no poll has succeeded yet", true}
	case queues > 0:
		return mark{"polling fails for " + portion(queues, len(s.Health.Queues), "task type"), true}
	case keys > 0:
		return mark{"polling; the store of " + portion(keys, len(s.Keys), "named key") + " fails", true}
	}
	return mark{Text: "polling"}
}
