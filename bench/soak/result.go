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

// Result is the result of a soak, written as JSON.
type Result struct {
	Date         time.Time
	Machine      Machine
	Seed         uint64
	For          float64 // seconds under load
	Slots        int
	Procs        int
	Peak         float64 // tasks per second
	Rate         float64 // the load, tasks per second
	HeldBack     float64 // seconds
	Sent         int
	Before       Sample // before the first task
	Final        Sample // at the end
	IdleAfter    float64
	Status       int // exit status
	Left         int // tasks that did not end
	Panics       int
	Lines        int // of the worker's log
	Sum          Sum
	GoodFailed   int // valid tasks that failed
	Spoiled      int // tasks that the server made unreadable
	BadCompleted int // invalid tasks that completed
	Outages      []float64
	Episodes     []Episode
	Samples      []Sample
	Recovery     []Trial
	Quarters     []Quarter
	Slope        float64 // MiB per hour, from the second quarter on
	Violations   []string

	took []delay
}

// Sum is the result of the audit.
type Sum struct {
	Tasks, Completed, Failed, TimedOut, DoneTwice, Updates, RepeatedUpdates int

	LedgerErr, TokenErr string
	Leaks               []string
}

func sum(a *reliability.Audit) Sum {
	s := Sum{
		Tasks: a.Tasks, Completed: a.Completed, Failed: a.Failed, TimedOut: a.TimedOut,
		DoneTwice: a.DoneTwice, Updates: a.Updates, RepeatedUpdates: a.RepeatedUpdates, LedgerErr: text(a.LedgerErr), TokenErr: text(a.TokenErr),
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

// slack is the number of goroutines or descriptors by which a worker may exceed
// those at the start: another poll may be in flight.
const slack = 2

// isIdle reports whether goroutines and descriptors have returned to their
// number before the first task.
func (r *Result) isIdle() bool {
	return r.Final.Goroutines <= r.Before.Goroutines+slack && r.Final.Descriptors <= r.Before.Descriptors+slack
}

// minForMemory is the minimum duration for a judgement of memory: until then the
// worker grows by one-time allocations.
const minForMemory = 5 * time.Minute

// growth returns by how many MiB memory may grow between the second quarter and
// the last.
func growth(before float64) float64 { return max(2, 0.06*before) }

// judge fills in Violations.
func (r *Result) judge() {
	r.Quarters, r.Slope = quarters(r), slope(r.Samples)
	r.Violations = nil
	want := func(ok bool, format string, a ...any) {
		if !ok {
			r.Violations = append(r.Violations, fmt.Sprintf(format, a...))
		}
	}
	want(r.Left == 0, "%d tasks did not end", r.Left)
	want(r.Sum.Tasks == r.Sent, "the ledger holds %d tasks, %d were sent", r.Sum.Tasks, r.Sent)
	want(r.GoodFailed <= r.Spoiled, "%d valid tasks failed, and %d were made unreadable", r.GoodFailed, r.Spoiled)
	want(r.BadCompleted == 0, "%d invalid tasks completed", r.BadCompleted)
	want(r.Sum.LedgerErr == "", "the ledger is inconsistent: %s", r.Sum.LedgerErr)
	want(r.Sum.TokenErr == "", "a token is wrong: %s", r.Sum.TokenErr)
	for _, l := range r.Sum.Leaks {
		want(false, "found %s", l)
	}
	want(r.Status == 0, "exit status %d", r.Status)
	want(r.Panics == 0, "%d panics", r.Panics)
	want(r.isIdle(), "%.0f goroutines and %.0f descriptors when idle, %.0f and %.0f at the start",
		r.Final.Goroutines, r.Final.Descriptors, r.Before.Goroutines, r.Before.Descriptors)
	if len(r.Quarters) == 4 && r.For >= minForMemory.Seconds() {
		before, after := r.Quarters[1].Memory, r.Quarters[3].Memory
		want(after-before <= growth(before), "memory grew from %.1f to %.1f MiB between the second quarter and the last", before, after)
	}
}

// verdict returns the result in one line.
func (r *Result) verdict() string {
	if len(r.Violations) > 0 {
		return "FAILED: " + strings.Join(r.Violations, "; ")
	}
	return fmt.Sprintf("held: %d tasks, %d completed, %d failed as expected, none lost", r.Sum.Tasks, r.Sum.Completed, r.Sum.Failed)
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

// read reads a soak.json.
func read(path string) (*Result, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the file named by -render
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	var r Result
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("soak: %s: %w", path, err)
	}
	return &r, nil
}
