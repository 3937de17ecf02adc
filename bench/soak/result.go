package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"conductor-jwt/test/reliability"
)

// Result is what a soak found. It is written as it is.
type Result struct {
	Date     time.Time
	Machine  Machine
	Seed     uint64
	For      float64 // seconds under load
	Slots    int
	Procs    int
	Peak     float64 // tasks per second
	Rate     float64 // the load, tasks per second
	Held     float64 // seconds for which the load was held back
	Sent     int
	Base     Sample // before the first task
	Rest     Sample // at the end
	Settled  float64
	Status   int // exit status
	Left     int // tasks that have not ended
	Panics   int
	Lines    int // of the worker's log
	Sum      Sum
	Unfair   int // tasks that failed though they were good
	Spoilt   int // tasks that were made unreadable on their way
	Forged   int // tasks that nobody can do, and were done
	Outages  []float64
	Episodes []Episode
	Samples  []Sample
	Recovery []Trial
	Quarters []Quarter
	Slope    float64 // MiB per hour, from the second quarter on
	Unkept   []string

	took []delay
}

// Sum is what the audit added up.
type Sum struct {
	Tasks, Completed, Failed, TakenBack, Again, Updates, Repeated int

	Broken, Wrong string
	Leaks         []string
}

func sum(a *reliability.Audit) Sum {
	s := Sum{
		Tasks: a.Tasks, Completed: a.Completed, Failed: a.Failed, TakenBack: a.TakenBack,
		Again: a.Again, Updates: a.Updates, Repeated: a.Repeated, Broken: text(a.Broken), Wrong: text(a.Wrong),
	}
	for _, l := range a.Leaks {
		s.Leaks = append(s.Leaks, l.String())
	}
	return s
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// slack is how many goroutines or descriptors more than at first are none too
// many: a poll may be on its way that was not then.
const slack = 2

// isBack reports whether the worker is back where it was before its first task.
func (r *Result) isBack() bool {
	return r.Rest.Goroutines <= r.Base.Goroutines+slack && r.Rest.Descriptors <= r.Base.Descriptors+slack
}

// long is how long a soak is to take for its memory to be judged: before, the
// worker has not yet met everything that it grows by once.
const long = 5 * time.Minute

// growth is by how much memory may differ between the second quarter and the
// last.
func growth(before float64) float64 { return max(2, 0.06*before) }

// judge says what was not kept.
func (r *Result) judge() {
	r.Quarters, r.Slope = quarters(r), slope(r.Samples)
	r.Unkept = nil
	want := func(ok bool, format string, a ...any) {
		if !ok {
			r.Unkept = append(r.Unkept, fmt.Sprintf(format, a...))
		}
	}
	want(r.Left == 0, "%d tasks never ended", r.Left)
	want(r.Sum.Tasks == r.Sent, "%d tasks are on the books, %d were sent", r.Sum.Tasks, r.Sent)
	want(r.Unfair <= r.Spoilt, "%d good tasks failed, and %d were made unreadable", r.Unfair, r.Spoilt)
	want(r.Forged == 0, "%d tasks that nobody can do were done", r.Forged)
	want(r.Sum.Broken == "", "the ledger does not add up: %s", r.Sum.Broken)
	want(r.Sum.Wrong == "", "a token is wrong: %s", r.Sum.Wrong)
	for _, l := range r.Sum.Leaks {
		want(false, "there is %s", l)
	}
	want(r.Status == 0, "exit status %d", r.Status)
	want(r.Panics == 0, "%d panics", r.Panics)
	want(r.isBack(), "%.0f goroutines and %.0f descriptors at rest, %.0f and %.0f at first",
		r.Rest.Goroutines, r.Rest.Descriptors, r.Base.Goroutines, r.Base.Descriptors)
	if len(r.Quarters) == 4 && r.For >= long.Seconds() {
		before, after := r.Quarters[1].Memory, r.Quarters[3].Memory
		want(after-before <= growth(before), "memory grew from %.1f to %.1f MiB between the second quarter and the last", before, after)
	}
}

// verdict is the result in one line.
func (r *Result) verdict() string {
	if len(r.Unkept) > 0 {
		return "FAILED: " + strings.Join(r.Unkept, "; ")
	}
	return fmt.Sprintf("held: %d tasks, %d completed, %d failed as they had to, none lost", r.Sum.Tasks, r.Sum.Completed, r.Sum.Failed)
}

// write writes the page, the picture and the samples.
func (r *Result) write(folder string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	for name, content := range map[string]string{"soak.json": string(raw) + "\n", "soak.md": r.page()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("soak: %w", err)
		}
	}
	if err := r.picture(filepath.Join(folder, "soak.svg")); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	return nil
}

// read reads what write wrote.
func read(path string) (*Result, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the file that was asked for
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	var r Result
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("soak: %s: %w", path, err)
	}
	return &r, nil
}
