package web

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"conductor-jwt/internal/printable"
)

// view is a [Status] as text, for the page and the command.
type view struct {
	Status

	AsOf, Up                                string
	Completed, Failed, Waiting, FailedPolls string // in the last hour
	Queues                                  []queueRow
	Latency                                 []latencyRow
	Codes                                   []codeRow
	Failures                                []failureRow
	Keys                                    []keyRow
	Providers                               []providerRow
	Verifiers                               []verifierRow
}

// mark is a state. The page marks a bad one with a sign as well as a colour.
type mark struct {
	Text string
	Bad  bool
}

// Sign is the sign of the state.
func (m mark) Sign() string {
	if m.Bad {
		return "▲"
	}
	return "●"
}

// Headline is the overall state.
func (v *view) Headline() mark { return mark{v.State.Text, !v.State.OK} }

const clock = "15:04"

func viewOf(s Status) *view {
	v := &view{
		Status: s, AsOf: s.At.Format("2006-01-02 15:04:05") + " UTC", Up: age(s.At.Sub(s.Process.Began)),
		Completed: grouped(s.Hour.Completed), Failed: grouped(s.Hour.Failed), Waiting: grouped(s.Hour.Waiting), FailedPolls: grouped(s.Hour.FailedPolls),
	}
	for _, q := range s.Queues {
		row := queueRow{TaskType: q.TaskType, LastPoll: "never", Hint: q.Hint, State: mark{Text: "ok"}}
		if !q.LastPoll.IsZero() {
			row.LastPoll = age(s.At.Sub(q.LastPoll)) + " ago"
		}
		if q.Failing != "" {
			row.State = mark{q.why(s.At), true}
		}
		v.Queues = append(v.Queues, row)
	}
	for _, c := range s.Hour.Codes {
		v.Codes = append(v.Codes, codeRow{c.Code, grouped(c.Count)})
	}
	for _, l := range s.Hour.Latency {
		row := latencyRow{Stage: l.Stage, Count: grouped(l.Count), P50: "-", P99: "-"}
		if l.Count > 0 {
			row.P50, row.P99 = l.P50.short(), l.P99.short()
		}
		v.Latency = append(v.Latency, row)
	}
	for _, f := range s.Failures {
		v.Failures = append(v.Failures, failureRowOf(f, s.At))
	}
	for _, k := range s.Keys {
		v.Keys = append(v.Keys, keyRowOf(k, s.At))
	}
	if s.AccessTokens != nil {
		for _, p := range s.AccessTokens.Providers {
			v.Providers = append(v.Providers, providerRow{p.Name, grouped(p.Hits), grouped(p.Granted), grouped(p.Refused), grouped(p.Failed)})
		}
	}
	for _, one := range s.Verifiers {
		row := verifierRow{Name: one.Name, Keys: grouped(one.Keys), Fetched: "not yet", State: mark{Text: "ok"}}
		if !one.Fetched.IsZero() {
			row.Fetched = age(s.At.Sub(one.Fetched)) + " ago"
		}
		if one.Failing {
			row.State = mark{"failing", true}
		}
		v.Verifiers = append(v.Verifiers, row)
	}
	return v
}

// CachedText says how many access tokens are in the cache.
func (v *view) CachedText() string {
	return printable.Count(v.AccessTokens.Cached, "access token") + " in the cache"
}

type providerRow struct{ Name, Hits, Granted, Refused, Failed string }

type verifierRow struct {
	Name, Keys, Fetched string
	State               mark
}

type queueRow struct {
	TaskType, LastPoll, Hint string
	State                    mark
}

type codeRow struct{ Code, Count string }

type failureRow struct {
	Last, Times, Code, Field, Message, Workflow, TaskName string

	Execution long
	URL       string // of the execution; empty: no link
}

// long is a text that the page abbreviates.
type long struct{ Short, Whole string }

// abbreviated keeps the first characters of an id.
func abbreviated(id string) long {
	const kept = 8
	if utf8.RuneCountInString(id) <= kept+1 {
		return long{id, id}
	}
	return long{string([]rune(id)[:kept]) + "…", id}
}

func failureRowOf(f Failure, now time.Time) failureRow {
	row := failureRow{
		Last: age(now.Sub(f.Last)) + " ago", Times: grouped(f.Times), Code: f.Code, Field: f.Field, Message: f.Message,
		Workflow: f.Workflow, TaskName: f.TaskName, Execution: abbreviated(f.WorkflowID), URL: f.URL,
	}
	if f.Waits {
		row.Message += " (it is tried again)"
	}
	return row
}

// keyLine is a version of a key, and when its state changes.
type keyLine struct{ KeyID, When string }

func (l keyLine) String() string { return l.KeyID + " " + l.When }

type keyRow struct {
	Name      string
	Signs     long   // the kid
	Algorithm string // of the version that signs
	Since     string
	Until     string
	Next      []keyLine
	Former    []keyLine
	Store     mark
}

func keyRowOf(k Key, now time.Time) keyRow {
	row := keyRow{Name: k.Name, Store: mark{Text: "ok"}, Until: "no end planned"}
	if k.Failing {
		row.Store = mark{"failing", true}
	}
	switch {
	case k.Delivered:
		row.Signs, row.Until = long{"comes with each task", "comes with each task"}, ""
	case k.Signs == nil:
		row.Signs, row.Until = long{"not loaded yet", "not loaded yet"}, ""
	default:
		row.Signs, row.Algorithm = kidOf(*k.Signs), k.Signs.Algorithm
		if since := cmp.Or(k.Signs.Created, k.Signs.From); !since.IsZero() && since.Before(now) {
			row.Since = age(now.Sub(since)) + " old"
		}
		if !k.Signs.Until.IsZero() {
			row.Until = day(k.Signs.Until)
		}
	}
	for _, v := range k.Next {
		row.Next = append(row.Next, keyLine{kidOf(v).Short, "from " + day(v.From)})
	}
	for _, v := range k.Former {
		row.Former = append(row.Former, keyLine{kidOf(v).Short, "until " + day(v.Until)})
	}
	return row
}

func kidOf(v KeyVersion) long {
	if v.KeyID == "" {
		return long{"no kid", "no kid"}
	}
	return abbreviated(v.KeyID)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

type latencyRow struct{ Stage, Count, P50, P99 string }

// short writes a duration with two digits: 0.35 ms, 12 ms, 1.2 s.
func (s Seconds) short() string {
	value, unit := float64(s)*1000, " ms"
	switch {
	case s >= 100:
		value, unit = float64(s)/60, " min"
	case value >= 999.5:
		value, unit = float64(s), " s"
	}
	digits := 0
	for limit := 9.95; value < limit && digits < 2; limit /= 10 {
		digits++
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + unit
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

// grouped writes a number with commas between its thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	var parts []string
	for len(text) > 3 {
		parts = append([]string{text[len(text)-3:]}, parts...)
		text = text[:len(text)-3]
	}
	return strings.Join(append([]string{text}, parts...), ",")
}

// SlotsText says how many slots are in use.
func (v *view) SlotsText() string {
	return fmt.Sprintf("%d of %s hold a task", v.Slots.Busy, printable.Count(v.Slots.Total, "slot"))
}
