package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed status.html
var statusHTML string

// StatusHandler serves the status page at / and its JSON at /status; everything
// else is a 404. The page has no form, no script and no external resource. It
// reloads itself every 10 s, except as /?refresh=0. On loopback it needs a Host of
// this machine.
func StatusHandler(status func() Status) http.Handler {
	template := template.Must(template.New("status").Parse(statusHTML))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		var body bytes.Buffer
		if err := template.Execute(&body, pageOf(status(), r.URL.Query().Get("refresh") != "0")); err != nil {
			writeText(w, http.StatusInternalServerError, "the page cannot be written")
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(body.Bytes()) // the client may have disconnected
	})
	mux.HandleFunc("GET /status", statusJSON(status))
	return checkHost(noStore(mux))
}

// page is the data of status.html: a view and its pictures.
type page struct {
	*view

	Refresh    bool
	SlotsUsed  int // in percent
	Chart      chart
	Lines      []lineChart // of the latencies
	CodeWidths []int       // in percent of the longest
}

func pageOf(s Status, refresh bool) page {
	p := page{
		view: viewOf(s), Refresh: refresh,
		SlotsUsed: min(s.Slots.Busy*100/max(s.Slots.Total, 1), 100), Chart: chartOf(s),
	}
	for stage := range s.Hour.Latency {
		p.Lines = append(p.Lines, lineChartOf(s, stage))
	}
	for _, c := range s.Hour.Codes {
		p.CodeWidths = append(p.CodeWidths, max(c.Count*100/s.Hour.Codes[0].Count, 1))
	}
	return p
}
