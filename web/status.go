package web

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	Settings                 []Setting

	// UI is the address of Conductor's own, for links; empty for none.
	UI string
}

// Setting is one line of the effective configuration, masked where it is a
// secret.
type Setting struct{ Name, Value, Origin string }

// StatusHandler serves the status page at / alone. It has no form, no script
// and nothing from elsewhere.
func StatusHandler(status func() Status) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		// The client may have gone; there is nobody to tell.
		_, _ = w.Write([]byte(statusPage(status())))
	})
	return mux
}

func statusPage(s Status) string {
	p := &page{}
	p.raw(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
		`<meta http-equiv="refresh" content="10"><title>conductor-jwt</title><style>` + statusStyle + `</style></head><body><h1>conductor-jwt</h1>`)
	p.tag("p", s.Version+", "+s.Edition+" edition, "+s.Crypto+" crypto, up "+age(s.Now.Sub(s.Began)))
	p.polling(s)
	p.hour(s.Hour)
	p.failures(s)
	p.keys(s)
	p.settings(s.Settings)
	p.raw("</body></html>\n")
	return p.b.String()
}

func (p *page) polling(s Status) {
	p.tag("h2", "Polling")
	state := "polling"
	switch {
	case s.Health.Draining:
		state = "draining"
	case !s.Health.Polled:
		state = "no poll has succeeded yet"
	}
	p.raw(`<p>`)
	p.mark(state, state == "polling")
	p.text(" " + s.Server + " as " + s.WorkerID)
	if s.Domain != "" {
		p.text(" in domain " + s.Domain)
	}
	p.raw(`</p><table><tr><th>task type</th><th>last good poll</th><th>state</th></tr>`)
	for _, q := range s.Health.Queues {
		last := "never"
		if !q.LastPoll.IsZero() {
			last = age(s.Now.Sub(q.LastPoll)) + " ago"
		}
		p.raw(`<tr>`)
		p.tag("td", q.TaskType)
		p.tag("td", last)
		p.raw(`<td>`)
		p.mark(cmp.Or(q.Failing, "ok"), q.Failing == "")
		p.raw(`</td></tr>`)
	}
	p.raw(`</table><p>`)
	p.number(s.Health.InHand)
	p.text(" of ")
	p.number(s.Health.Slots)
	p.text(" slots hold a task")
	p.raw(`</p>`)
	p.meter(s.Health.InHand, s.Health.Slots)
}

func (p *page) failures(s Status) {
	codes := map[string]int{}
	for _, m := range s.Hour {
		for code, n := range m.Failed {
			codes[code] += n
		}
	}
	if len(codes) > 0 {
		p.raw(`<table><tr><th>code</th><th class="n">in the last hour</th></tr>`)
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			p.raw(`<tr>`)
			p.tag("td", code)
			p.raw(`<td class="n">`)
			p.number(codes[code])
			p.raw(`</td></tr>`)
		}
		p.raw(`</table>`)
	}
	p.tag("h2", "Last failures")
	if len(s.Failures) == 0 {
		p.tag("p", "none since the start")
		return
	}
	p.raw(`<table><tr><th>when</th><th>task</th><th>code</th><th>execution</th></tr>`)
	for _, f := range s.Failures {
		p.raw(`<tr>`)
		p.tag("td", age(s.Now.Sub(f.At))+" ago")
		p.tag("td", f.TaskName)
		p.tag("td", f.Code)
		p.raw(`<td>`)
		p.execution(s.UI, f.WorkflowID)
		p.raw(`</td></tr>`)
	}
	p.raw(`</table>`)
}

// execution links to where Conductor's UI shows one.
func (p *page) execution(ui, id string) {
	if ui == "" {
		p.text(id)
		return
	}
	p.raw(`<a rel="noreferrer" href="`)
	p.text(strings.TrimRight(ui, "/") + "/execution/" + url.PathEscape(id))
	p.raw(`">`)
	p.text(id)
	p.raw(`</a>`)
}

func (p *page) keys(s Status) {
	p.tag("h2", "Named keys")
	if len(s.Keys) == 0 {
		p.tag("p", "none: keys come with the tasks")
		return
	}
	p.raw(`<table><tr><th>key</th><th>kid</th><th>algorithm</th><th>state</th><th>age</th><th>store</th></tr>`)
	for _, k := range s.Keys {
		for _, v := range k.Versions {
			p.key(s.Now, k, v)
		}
		if len(k.Versions) == 0 {
			missing := keyring.VersionStatus{State: "not there yet"}
			if k.Delivered != "" {
				missing.State = "comes with each task"
			}
			p.key(s.Now, k, missing)
		}
	}
	p.raw(`</table>`)
}

func (p *page) key(now time.Time, k keyring.Status, v keyring.VersionStatus) {
	old := ""
	if since := v.Since(); !since.IsZero() && since.Before(now) {
		old = age(now.Sub(since))
	}
	p.raw(`<tr>`)
	for _, text := range []string{k.Name, v.KeyID, v.Algorithm, string(v.State), old} {
		p.tag("td", text)
	}
	p.raw(`<td>`)
	if k.Failing {
		p.mark("failing", false)
	} else {
		p.mark("ok", true)
	}
	p.raw(`</td></tr>`)
}

func (p *page) settings(settings []Setting) {
	p.tag("h2", "Settings in force")
	p.raw(`<table><tr><th>setting</th><th>value</th><th>from</th></tr>`)
	for _, s := range settings {
		p.raw(`<tr>`)
		for _, text := range []string{s.Name, s.Value, s.Origin} {
			p.tag("td", text)
		}
		p.raw(`</tr>`)
	}
	p.raw(`</table>`)
}

// age is a duration as people say it.
func age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < 48*time.Hour:
		return d.Truncate(time.Second).String()
	default:
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	}
}
