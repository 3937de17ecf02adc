package web

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"conductor-jwt/config"
	"conductor-jwt/keyring"
	"conductor-jwt/worker"
)

// Status is the content of the status page. It holds no secret.
type Status struct {
	Version, Edition, Crypto string

	Server, Domain, WorkerID string
	Began, Now               time.Time
	Health                   worker.Health
	Hour                     []worker.Minute
	Failures                 []worker.Failure // the latest first
	Keys                     []keyring.Status
	Settings                 []config.Row

	// UI is the URL of Conductor's user interface, for links; empty: no links.
	UI string
}

//go:embed status.html
var statusHTML string

// StatusHandler serves the status page at /; everything else is a 404. The page has
// no form, no script and no external resource. It reloads itself every 10 s, except
// as /?refresh=0. On loopback it needs a Host of this machine.
func StatusHandler(status func() Status) http.Handler {
	page := template.Must(template.New("status").Parse(statusHTML))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		var body bytes.Buffer
		if err := page.Execute(&body, viewOf(status(), r.URL.Query().Get("refresh") != "0")); err != nil {
			writeText(w, http.StatusInternalServerError, "the page cannot be written")
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(body.Bytes()) // the client may have disconnected
	})
	return checkHost(noStore(mux))
}

// view is the data of status.html: a [Status] as text and coordinates.
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
	Set       []config.Row
	Defaults  []config.Row
}

// mark is a state. The page marks a bad one with a sign as well as a colour.
type mark struct {
	Text string
	Bad  bool
}

func viewOf(s Status, refresh bool) view {
	v := view{
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
	for _, row := range s.Settings {
		if row.Origin.Source == config.FromDefault {
			v.Defaults = append(v.Defaults, row)
		} else {
			v.Set = append(v.Set, row)
		}
	}
	return v
}

// overall returns the page's headline.
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

type queueRow struct {
	TaskType, LastPoll string
	State              mark
}

func queueRows(s Status) (rows []queueRow) {
	for _, q := range s.Health.Queues {
		last := "never"
		if !q.LastPoll.IsZero() {
			last = age(s.Now.Sub(q.LastPoll)) + " ago"
		}
		rows = append(rows, queueRow{q.TaskType, last, mark{cmp.Or(q.Failing, "ok"), q.Failing != ""}})
	}
	return rows
}

type codeRow struct {
	Code  string
	Count int
}

// codeRows counts the failures by code, the most frequent first.
func codeRows(hour []worker.Minute) (rows []codeRow) {
	counts := map[string]int{}
	for _, m := range hour {
		for code, n := range m.Failed {
			counts[code] += n
		}
	}
	for code, n := range counts {
		rows = append(rows, codeRow{code, n})
	}
	slices.SortFunc(rows, func(a, b codeRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	return rows
}

type failureRow struct {
	Ago, TaskName, Code, WorkflowID string

	Link  string // to the execution in Conductor's UI; empty: no link
	Times int
}

// failureRows returns one row for all retries of a task that failed with the same
// code.
func failureRows(s Status) (rows []failureRow) {
	for _, f := range s.Failures {
		same := func(r failureRow) bool {
			return r.WorkflowID == f.WorkflowID && r.TaskName == f.TaskName && r.Code == f.Code
		}
		if i := slices.IndexFunc(rows, same); i >= 0 {
			rows[i].Times++
			continue
		}
		row := failureRow{Ago: age(s.Now.Sub(f.At)), TaskName: f.TaskName, Code: f.Code, WorkflowID: f.WorkflowID, Times: 1}
		if s.UI != "" {
			row.Link = strings.TrimRight(s.UI, "/") + "/execution/" + url.PathEscape(f.WorkflowID)
		}
		rows = append(rows, row)
	}
	return rows
}

type keyRow struct {
	Name, KeyID, Algorithm, State, Age, Next string
	Store                                    mark
}

func keyRows(s Status) (rows []keyRow) {
	for _, k := range s.Keys {
		versions := k.Versions
		switch {
		case len(versions) > 0:
		case k.Delivered != "":
			versions = []keyring.VersionStatus{{State: "delivered with each task"}}
		default:
			versions = []keyring.VersionStatus{{State: "not loaded yet"}}
		}
		store := mark{Text: "ok"}
		if k.Failing {
			store = mark{"failing", true}
		}
		for _, v := range versions {
			old := ""
			if since := v.Since(); !since.IsZero() && since.Before(s.Now) {
				old = age(s.Now.Sub(since))
			}
			rows = append(rows, keyRow{k.Name, v.KeyID, v.Algorithm, string(v.State), old, next(v, s.Now), store})
		}
	}
	return rows
}

// next says when the state of v changes; "" where that is not known.
func next(v keyring.VersionStatus, now time.Time) string {
	const layout = "2006-01-02 15:04 UTC"
	switch {
	case v.From.After(now):
		return "signs from " + v.From.UTC().Format(layout)
	case v.Until.After(now):
		return "published until " + v.Until.UTC().Format(layout)
	}
	return ""
}

// portion is "1 of 2 task types".
func portion(n, of int, what string) string {
	if of != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d of %d %s", n, of, what)
}

// age writes a duration in the largest unit of which it has at least two.
func age(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "days"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if d >= 2*unit.length {
			return fmt.Sprintf("%d %s", d/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%d s", max(d, 0)/time.Second)
}
