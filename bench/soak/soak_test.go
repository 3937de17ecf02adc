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

// A short soak, at a rate that leaves the machine to the other tests. Its
// memory is not judged, and nothing of it is timed.
func TestAShortSoakLosesNothing(t *testing.T) {
	t.Parallel()
	path, err := reliability.Build(t.Context(), os.Environ(), filepath.Join("..", ".."), ".", folder)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Start: reliability.Command{Path: path, Args: []string{"worker"}}.Start, Path: path, Seed: rand.Uint64(), For: 12 * time.Second, Rate: 60,
		Peak: time.Second, Gap: 500 * time.Millisecond, Fault: 500 * time.Millisecond, Slots: 8, Trials: 3, Dead: 4 * time.Second, Restart: true, Say: t.Logf,
	}
	var trials []Trial
	var recovery error
	var beside sync.WaitGroup
	beside.Go(func() { trials, recovery = Recover(t.Context(), o) })
	r, err := Soak(t.Context(), o)
	beside.Wait()
	if err != nil || recovery != nil {
		t.Fatal(err, recovery)
	}
	r.Recovery = trials
	r.judge()
	for _, what := range r.Unkept {
		t.Error(what)
	}
	t.Log(r.verdict())
	if len(r.Episodes) == 0 || r.Sum.Completed < 100 {
		t.Errorf("%d faults and %d completed tasks", len(r.Episodes), r.Sum.Completed)
	}
	written(t, r)
}

// written wants a page and a picture of the result, from its file as well.
func written(t *testing.T, r *Result) {
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
			t.Errorf("%s is of %d bytes at first, of %d from the file", name, len(a), len(b))
		}
	}
}

// Each thing that a soak may find makes it fail, and says so.
func TestWhatASoakDoesNotForgive(t *testing.T) {
	t.Parallel()
	flat := func(i int) float64 { return 20 }
	for what, c := range map[string]struct {
		change func(*Result)
		memory func(i int) float64
		want   string
	}{
		"nothing":                    {change: func(*Result) {}},
		"a task that never ended":    {change: func(r *Result) { r.Left = 1 }, want: "1 tasks never ended"},
		"a task off the books":       {change: func(r *Result) { r.Sum.Tasks-- }, want: "99 tasks are on the books, 100 were sent"},
		"a good task that failed":    {change: func(r *Result) { r.Unfair = 1 }, want: "1 good tasks failed"},
		"one that was unreadable":    {change: func(r *Result) { r.Unfair, r.Spoilt = 1, 1 }},
		"a bad task that was done":   {change: func(r *Result) { r.Forged = 1 }, want: "nobody can do"},
		"a broken ledger":            {change: func(r *Result) { r.Sum.Broken = "two updates" }, want: "two updates"},
		"a wrong token":              {change: func(r *Result) { r.Sum.Wrong = "it does not verify" }, want: "it does not verify"},
		"a leak":                     {change: func(r *Result) { r.Sum.Leaks = []string{"a key in the log"} }, want: "a key in the log"},
		"an exit status":             {change: func(r *Result) { r.Status = 1 }, want: "exit status 1"},
		"a panic":                    {change: func(r *Result) { r.Panics = 1 }, want: "1 panics"},
		"goroutines":                 {change: func(r *Result) { r.Rest.Goroutines += slack + 1 }, want: "13 goroutines"},
		"descriptors":                {change: func(r *Result) { r.Rest.Descriptors += slack + 1 }, want: "descriptors at rest"},
		"memory that grows":          {memory: func(i int) float64 { return 20 + float64(i)/60 }, want: "memory grew"},
		"memory with a single peak":  {memory: func(i int) float64 { return 20 + 40*float64(max(0, i-590)/5) }},
		"memory that grows at first": {memory: func(i int) float64 { return 20 + min(float64(i)/10, 10) }},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := &Result{For: 600, Sent: 100, Sum: Sum{Tasks: 100}, Slots: 8}
			r.Base.Goroutines, r.Base.Descriptors = 10, 10
			r.Rest = r.Base
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
			if (c.want == "") != (len(r.Unkept) == 0) || !strings.Contains(strings.Join(r.Unkept, "; "), c.want) {
				t.Errorf("%q, want %q", r.Unkept, c.want)
			}
			if (len(r.Unkept) > 0) != strings.HasPrefix(r.verdict(), "FAILED") {
				t.Errorf("the verdict is %q", r.verdict())
			}
		})
	}
}

// A seed gives the same faults again, and no kind comes twice before all have.
func TestASeedRepeatsTheFaults(t *testing.T) {
	t.Parallel()
	o := Options{Seed: 7, Gap: 9 * time.Second, Fault: 2 * time.Second}
	a, b := newScript(o), newScript(o)
	for round := range 3 {
		var names []string
		for range kinds() {
			k, after, lasts := a.next()
			again, after2, lasts2 := b.next()
			if k.name != again.name || after != after2 || lasts != lasts2 {
				t.Fatalf("%s after %s for %s, then %s after %s for %s", k.name, after, lasts, again.name, after2, lasts2)
			}
			names = append(names, k.name)
		}
		slices.Sort(names)
		if n := len(slices.Compact(names)); n != len(kinds()) {
			t.Errorf("%d kinds in round %d, want %d", n, round, len(kinds()))
		}
	}
}
