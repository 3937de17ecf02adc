package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/test/reliability"
)

// A short soak at a low rate. Memory and times are not judged.
func TestShortSoakLosesNoTask(t *testing.T) {
	t.Parallel()
	path, err := reliability.Build(t.Context(), os.Environ(), filepath.Join("..", ".."), ".", folder)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Start: reliability.Command{Path: path, Args: []string{"worker"}}.Start, Path: path, Seed: rand.Uint64(), For: 12 * time.Second, Rate: 60,
		Peak: time.Second, Gap: 500 * time.Millisecond, Fault: 500 * time.Millisecond, Slots: 8, Trials: 3, Outage: 4 * time.Second, Restart: true, Printf: t.Logf,
	}
	var trials []Trial
	var recovery error
	var group sync.WaitGroup
	group.Go(func() { trials, recovery = Recover(t.Context(), o) })
	r, err := Soak(t.Context(), o)
	group.Wait()
	if err != nil || recovery != nil {
		t.Fatal(err, recovery)
	}
	r.Recovery = trials
	r.judge()
	for _, violation := range r.Violations {
		t.Error(violation)
	}
	t.Log(r.verdict())
	if len(r.Episodes) == 0 || r.Sum.Completed < 100 {
		t.Errorf("%d faults and %d completed tasks, want some and at least 100", len(r.Episodes), r.Sum.Completed)
	}
	checkFiles(t, r)
}

// checkFiles checks that the page and the picture written from the result are
// the same as those written from its JSON file.
func checkFiles(t *testing.T, r *Result) {
	t.Helper()
	first, again := t.TempDir(), t.TempDir()
	if err := r.write(first); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-render", filepath.Join(first, "soak.json"), "-o", again}, os.Stderr); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"soak.md", "soak.svg"} {
		a, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(again, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) || len(a) < 500 {
			t.Errorf("%s has %d bytes from the run and %d from soak.json, want the same, at least 500", name, len(a), len(b))
		}
	}
}

// Each kind of violation fails the soak and is named.
func TestJudgeReportsEachViolation(t *testing.T) {
	t.Parallel()
	flat := func(i int) float64 { return 20 }
	for what, c := range map[string]struct {
		change func(*Result)
		memory func(i int) float64
		want   string
	}{
		"nothing":                        {change: func(*Result) {}},
		"a task that did not end":        {change: func(r *Result) { r.Left = 1 }, want: "1 tasks did not end"},
		"a task missing in the ledger":   {change: func(r *Result) { r.Sum.Tasks-- }, want: "the ledger holds 99 tasks, 100 were sent"},
		"a valid task that failed":       {change: func(r *Result) { r.GoodFailed = 1 }, want: "1 valid tasks failed"},
		"a task made unreadable":         {change: func(r *Result) { r.GoodFailed, r.Spoiled = 1, 1 }},
		"an invalid task that completed": {change: func(r *Result) { r.BadCompleted = 1 }, want: "1 invalid tasks completed"},
		"an inconsistent ledger":         {change: func(r *Result) { r.Sum.LedgerErr = "two updates" }, want: "two updates"},
		"a wrong token":                  {change: func(r *Result) { r.Sum.TokenErr = "it does not verify" }, want: "it does not verify"},
		"a leak":                         {change: func(r *Result) { r.Sum.Leaks = []string{"a key in the log"} }, want: "a key in the log"},
		"an exit status":                 {change: func(r *Result) { r.Status = 1 }, want: "exit status 1"},
		"a panic":                        {change: func(r *Result) { r.Panics = 1 }, want: "1 panics"},
		"goroutines":                     {change: func(r *Result) { r.Final.Goroutines += slack + 1 }, want: "13 goroutines"},
		"descriptors":                    {change: func(r *Result) { r.Final.Descriptors += slack + 1 }, want: "descriptors when idle"},
		"memory that grows":              {memory: func(i int) float64 { return 20 + float64(i)/60 }, want: "memory grew"},
		"memory with a single peak":      {memory: func(i int) float64 { return 20 + 40*float64(max(0, i-590)/5) }},
		"memory that grows at first":     {memory: func(i int) float64 { return 20 + min(float64(i)/10, 10) }},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := &Result{For: 600, Sent: 100, Sum: Sum{Tasks: 100}, Slots: 8}
			r.Before.Goroutines, r.Before.Descriptors = 10, 10
			r.Final = r.Before
			if c.memory == nil {
				c.memory = flat
			}
			for i := range 600 {
				r.Samples = append(r.Samples, Sample{At: float64(i), Ended: 10 * i, Memory: c.memory(i)})
			}
			if c.change != nil {
				c.change(r)
			}
			r.judge()
			if (c.want == "") != (len(r.Violations) == 0) || !strings.Contains(strings.Join(r.Violations, "; "), c.want) {
				t.Errorf("violations %q, want %q", r.Violations, c.want)
			}
			if (len(r.Violations) > 0) != strings.HasPrefix(r.verdict(), "FAILED") {
				t.Errorf("the verdict is %q", r.verdict())
			}
		})
	}
}

// The same seed gives the same faults, and each kind occurs once before any
// occurs again.
func TestSameSeedGivesTheSameFaults(t *testing.T) {
	t.Parallel()
	o := Options{Seed: 7, Gap: 9 * time.Second, Fault: 2 * time.Second}
	a, b := newScript(o), newScript(o)
	for round := range 3 {
		var names []string
		for range faultKinds() {
			k, after, lasts := a.next()
			again, after2, lasts2 := b.next()
			if k.name != again.name || after != after2 || lasts != lasts2 {
				t.Fatalf("%s after %s for %s, then %s after %s for %s", k.name, after, lasts, again.name, after2, lasts2)
			}
			names = append(names, k.name)
		}
		slices.Sort(names)
		if n := len(slices.Compact(names)); n != len(faultKinds()) {
			t.Errorf("%d kinds in round %d, want %d", n, round, len(faultKinds()))
		}
	}
}
