package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"conductor-jwt/keyring"
	"conductor-jwt/worker"
)

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

	Link  string // to the execution in Conductor's UI; empty for none
	Times int
}

// failureRows gives one row for the retries of one task that failed for the same
// reason.
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
			versions = []keyring.VersionStatus{{State: "comes with each task"}}
		default:
			versions = []keyring.VersionStatus{{State: "not there yet"}}
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

// next says when the state of v changes, where that is known.
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

// age is a duration in its largest unit of which there are at least two.
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
