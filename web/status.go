package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"conductor-jwt/config"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keyring"
	"conductor-jwt/worker"
)

// StatusSource is what a [Status] is made of.
type StatusSource struct {
	Process Process
	Health  worker.Health
	Hour    worker.Hour
	Keys    []keyring.Status
	// AccessTokens is nil where the worker exchanges nothing.
	AccessTokens *AccessTokens
	// Verifiers are empty where the worker verifies nothing.
	Verifiers []Verifier
	// PolicyRefused says that the last policy file was refused.
	PolicyRefused bool
	Settings      []config.Row

	// Executions is the URL of executions, to which their ids are appended; empty: no
	// links.
	Executions string
}

// Status is the state of a worker. The status page, its JSON and the command
// status show it. It holds no secret.
type Status struct {
	At       time.Time `json:"at"`
	State    State     `json:"state"`
	Process  Process   `json:"worker"`
	Slots    Slots     `json:"slots"`
	Queues   []Queue   `json:"queues"`
	Hour     Hour      `json:"lastHour"`
	Failures []Failure `json:"failures"` // since the start, the latest first
	Keys     []Key     `json:"keys"`
	// Verifiers are empty where the worker verifies nothing.
	Verifiers []Verifier `json:"verifiers,omitempty"`
	// AccessTokens is nil where the worker exchanges nothing.
	AccessTokens *AccessTokens `json:"accessTokens,omitempty"`
	Set          []SettingRow  `json:"settings"` // that differ from their defaults
	Defaults     []SettingRow  `json:"defaults"`
}

// State is the overall state.
type State struct {
	OK    bool   `json:"ok"`
	Text  string `json:"text"`  // a few words
	About string `json:"about"` // a sentence
}

// Process describes the worker.
type Process struct {
	Version string    `json:"version"`
	Edition string    `json:"edition"`
	Crypto  string    `json:"crypto"`
	ID      string    `json:"id"`
	Server  string    `json:"server"`
	Domain  string    `json:"domain,omitempty"`
	Began   time.Time `json:"started"`
}

// Slots says how many tasks are in flight.
type Slots struct {
	Total int `json:"total"`
	Busy  int `json:"busy"`
}

// Queue is one task type.
type Queue struct {
	TaskType string    `json:"taskType"`
	LastPoll time.Time `json:"lastPoll,omitzero"`     // that succeeded
	Failing  string    `json:"failing,omitempty"`     // class of the last poll, if it failed
	Since    time.Time `json:"failingSince,omitzero"` // of the first failed poll in a row
	Hint     string    `json:"hint,omitempty"`
}

// Hour is what happened in the last sixty minutes.
type Hour struct {
	Completed   int       `json:"completed"`
	Failed      int       `json:"failed"`
	Waiting     int       `json:"waiting"` // executions of tasks that wait to be tried again
	FailedPolls int       `json:"failedPolls"`
	Latency     []Latency `json:"latency"`
	Codes       []Code    `json:"codes"`   // of failed executions, the most frequent first
	Minutes     []Minute  `json:"minutes"` // the oldest first
}

// Minute is one minute of an [Hour].
type Minute struct {
	Begin       time.Time `json:"begin"`
	Completed   int       `json:"completed"`
	Failed      int       `json:"failed"`
	Waiting     int       `json:"waiting"`
	FailedPolls int       `json:"failedPolls"`
	Latency     []Latency `json:"latency"`
}

// Latency describes the times of a stage of tasks.
type Latency struct {
	Stage string  `json:"stage"`
	Count int     `json:"count"`
	P50   Seconds `json:"p50"`
	P99   Seconds `json:"p99"`
}

// Seconds is a duration. It is written as a number of seconds.
type Seconds float64

// Code is how often a code occurred.
type Code struct {
	Code  string `json:"code"`
	Count int    `json:"count"`
}

// Failure is all failures for one cause.
type Failure struct {
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Times      int       `json:"times"`
	Workflow   string    `json:"workflow,omitempty"`
	TaskName   string    `json:"task"`
	Code       string    `json:"code"`
	Field      string    `json:"field,omitempty"`
	Message    string    `json:"message"`
	Waits      bool      `json:"waits,omitempty"` // the task is tried again, without spending a retry
	WorkflowID string    `json:"workflowId"`      // of the last one
	URL        string    `json:"url,omitempty"`   // of that execution
}

// AccessTokens describes the exchanges of assertions for access tokens.
type AccessTokens struct {
	Cached    int        `json:"cached"`    // tokens in the cache
	Providers []Provider `json:"providers"` // that were used since the start
}

// Provider is one provider since the start.
type Provider struct {
	Name    string `json:"name"`
	Hits    int    `json:"hits"`    // tokens that were given out of the cache
	Granted int    `json:"granted"` // exchanges
	Refused int    `json:"refused"` // exchanges that the provider refused
	Failed  int    `json:"failed"`  // exchanges that ended otherwise, or were not made
}

// Key is one named key.
type Key struct {
	Name string `json:"name"`
	// Delivered says that the key comes with each task and has no versions here.
	Delivered bool         `json:"delivered,omitempty"`
	Failing   bool         `json:"failing"`
	Refreshed time.Time    `json:"refreshed,omitzero"`
	Signs     *KeyVersion  `json:"signs"` // nil: none
	Next      []KeyVersion `json:"next"`  // that will sign, the earliest first
	Former    []KeyVersion `json:"former"`
}

// Verifier is the JWK Set of a verifier of the policy.
type Verifier struct {
	Name    string    `json:"name"`
	Keys    int       `json:"keys"`
	Fetched time.Time `json:"fetched,omitzero"`
	Failing bool      `json:"failing"` // the last fetch failed
}

// KeyVersion is a version of a [Key].
type KeyVersion struct {
	KeyID     string    `json:"kid,omitempty"`
	Algorithm string    `json:"algorithm"`
	Created   time.Time `json:"created,omitzero"`
	From      time.Time `json:"from,omitzero"`  // when it begins or began to sign
	Until     time.Time `json:"until,omitzero"` // when it ceases to sign; of a former one, to be published
}

// SettingRow is a setting.
type SettingRow struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// NewStatus makes a Status.
func NewStatus(s StatusSource) Status {
	st := Status{
		At: s.Hour.Now.UTC(), Process: s.Process,
		Slots: Slots{Total: s.Health.Slots, Busy: s.Health.InFlight},
		Hour:  hourOf(s.Hour), Failures: failuresOf(s), Queues: []Queue{}, Keys: []Key{}, Set: []SettingRow{}, Defaults: []SettingRow{},
		AccessTokens: s.AccessTokens,
	}
	st.Process.Began = st.Process.Began.UTC()
	for _, q := range s.Health.Queues {
		st.Queues = append(st.Queues, Queue(q))
	}
	for _, k := range s.Keys {
		st.Keys = append(st.Keys, keyOf(k))
	}
	for _, v := range s.Verifiers {
		v.Fetched = utc(v.Fetched)
		st.Verifiers = append(st.Verifiers, v)
	}
	for _, row := range s.Settings {
		one := SettingRow{row.Name, row.Value, row.Origin.String()}
		if row.Origin.Source == config.FromDefault {
			st.Defaults = append(st.Defaults, one)
		} else {
			st.Set = append(st.Set, one)
		}
	}
	st.State = st.stateOf(s)
	return st
}

func hourOf(h worker.Hour) Hour {
	hour := Hour{
		Completed: h.Total.Completed, Failed: h.Total.Failures(), Waiting: h.Total.Waiting, FailedPolls: h.Total.FailedPolls,
		Latency: latencyOf(&h.Total), Codes: []Code{}, Minutes: []Minute{},
	}
	for code, n := range h.Total.Failed {
		hour.Codes = append(hour.Codes, Code{code, n})
	}
	slices.SortFunc(hour.Codes, func(a, b Code) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	for i := range h.Minutes {
		m := &h.Minutes[i]
		hour.Minutes = append(hour.Minutes, Minute{
			Begin: m.Begin.UTC(), Completed: m.Completed, Failed: m.Failures(), Waiting: m.Waiting, FailedPolls: m.FailedPolls,
			Latency: latencyOf(&m.Counts),
		})
	}
	return hour
}

func latencyOf(c *worker.Counts) (list []Latency) {
	for _, stage := range worker.Stages() {
		t := c.Times(stage)
		list = append(list, Latency{stage.String(), t.Count, Seconds(t.P50.Seconds()), Seconds(t.P99.Seconds())})
	}
	return list
}

func failuresOf(s StatusSource) []Failure {
	list := []Failure{}
	for _, f := range s.Hour.Failures {
		one := Failure{
			First: f.First.UTC(), Last: f.Last.UTC(), Times: f.Times, Workflow: printable.Line(f.Workflow), TaskName: printable.Line(f.TaskName),
			Code: f.Code, Field: printable.Line(f.Field), Message: printable.Line(f.Message), Waits: f.Waits, WorkflowID: printable.Line(f.WorkflowID),
		}
		if s.Executions != "" {
			one.URL = s.Executions + url.PathEscape(f.WorkflowID)
		}
		list = append(list, one)
	}
	return list
}

func keyOf(k keyring.Status) Key {
	key := Key{Name: k.Name, Delivered: k.Delivered != "", Failing: k.Failing, Refreshed: utc(k.Refreshed), Next: []KeyVersion{}, Former: []KeyVersion{}}
	for _, v := range k.Versions {
		one := KeyVersion{v.KeyID, v.Algorithm, utc(v.Created), utc(v.From), utc(v.Until)}
		switch v.State {
		case keyring.Active:
			one.Until = time.Time{} // the next one's From
			key.Signs = &one
		case keyring.Published:
			one.Until = time.Time{}
			key.Next = append(key.Next, one)
		case keyring.Retired:
			key.Former = append(key.Former, one)
		}
	}
	slices.SortStableFunc(key.Next, func(a, b KeyVersion) int { return a.From.Compare(b.From) })
	if key.Signs != nil && len(key.Next) > 0 {
		key.Signs.Until = key.Next[0].From
	}
	return key
}

// utc keeps the zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// stateOf judges the rest of st.
func (st *Status) stateOf(s StatusSource) State {
	var failing []Queue
	for _, q := range st.Queues {
		if q.Failing != "" {
			failing = append(failing, q)
		}
	}
	var keys, sets []string
	for _, k := range st.Keys {
		if k.Failing {
			keys = append(keys, k.Name)
		}
	}
	for _, v := range st.Verifiers {
		if v.Failing {
			sets = append(sets, v.Name)
		}
	}
	switch {
	case s.Health.Draining:
		return State{Text: "draining", About: "The worker polls no more and finishes " + printable.Count(st.Slots.Busy, "task") + " in flight."}
	case len(failing) > 0:
		return State{
			Text:  fmt.Sprintf("polling fails for %d of %s", len(failing), printable.Count(len(st.Queues), "task type")),
			About: causes(failing, st.At),
		}
	case !s.Health.Polled:
		return State{Text: "no poll has succeeded yet", About: "The worker began " + age(st.At.Sub(st.Process.Began)) + " ago."}
	case s.PolicyRefused:
		return State{Text: "polling; the policy file is wrong", About: "The policy from before stays in force. The log says what is wrong with the file."}
	case len(keys) > 0:
		return State{
			Text:  fmt.Sprintf("polling; the store of %d of %s fails", len(keys), printable.Count(len(st.Keys), "named key")),
			About: "Not refreshed: " + strings.Join(keys, ", ") + ". What was read before stays in use.",
		}
	case len(sets) > 0:
		return State{
			Text:  fmt.Sprintf("polling; the key set of %d of %s cannot be fetched", len(sets), printable.Count(len(st.Verifiers), "verifier")),
			About: "Not fetched: " + strings.Join(sets, ", ") + ". A set that was fetched before stays in use for a day.",
		}
	}
	return State{OK: true, Text: "polling", About: st.lastHour()}
}

// causes says why polls fail: a sentence for each cause, the same for several
// task types.
func causes(failing []Queue, now time.Time) string {
	var sentences []string
	for len(failing) > 0 {
		first := failing[0]
		var types []string
		failing = slices.DeleteFunc(failing, func(q Queue) bool {
			same := q.Failing == first.Failing && q.Hint == first.Hint
			if same {
				types = append(types, q.TaskType)
			}
			return same
		})
		sentence := "Polls of " + strings.Join(types, ", ") + " fail: " + first.why(now)
		if first.Hint != "" {
			sentence += "; " + first.Hint
		}
		sentences = append(sentences, sentence)
	}
	return strings.Join(sentences, ". ")
}

// why says why polls of q fail, and for how long.
func (q Queue) why(now time.Time) string {
	if q.Since.IsZero() {
		return q.Failing
	}
	return q.Failing + " for " + age(now.Sub(q.Since))
}

// lastHour sums the last hour up.
func (st *Status) lastHour() string {
	h := st.Hour
	when := "in the last hour"
	if up := st.At.Sub(st.Process.Began); up < time.Hour {
		when = "since the start " + age(up) + " ago"
	}
	if h.Completed+h.Failed == 0 {
		return "No task ended " + when + "."
	}
	tasks := " tasks"
	if h.Completed == 1 {
		tasks = " task"
	}
	return grouped(h.Completed) + tasks + " completed and " + grouped(h.Failed) + " failed " + when + "."
}
