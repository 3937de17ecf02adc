// Compare measures conductor-jwt beside the workers that one would write with
// Conductor's SDKs: one stub server, one machine, runs in turn. It appends what
// it measured to a file, does not measure again what is in there, and makes
// docs/performance.md and its picture of it.
//
//	make bench              all figures, at most 25 minutes
//	make bench-quick        the main ones once, 3 minutes
//	.cache/bench/compare -report      the page alone, of bench/results.jsonl
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	// The server must cost as little as it can; what it allocates is short-lived.
	debug.SetGCPercent(1000)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to undo
	}
}

// bench is what a comparison works with.
type bench struct {
	dir     string // of the built workers
	docs    string // folder of the page; empty for none
	log     io.Writer
	file    string
	have    []Sample
	quick   bool
	rounds  int
	warm    time.Duration
	window  time.Duration
	trickle int // tasks that a latency at 10 a second counts
	budget  time.Duration
	spent   time.Duration // on measuring again what was disturbed
}

func run(ctx context.Context, args []string, log io.Writer) error {
	b := &bench{log: log}
	var only, figures string
	var fresh, report bool
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.StringVar(&b.dir, "dir", ".cache/bench", "folder of the workers that bench/peers.sh builds")
	f.StringVar(&b.file, "o", "bench/results.jsonl", "file of samples to append to")
	f.StringVar(&b.docs, "docs", "docs", "folder of performance.md, performance.svg and sizing.md; empty for none")
	f.BoolVar(&b.quick, "quick", false, "the main figures, once, in 3 minutes")
	f.BoolVar(&fresh, "fresh", false, "forget what was measured before")
	f.BoolVar(&report, "report", false, "write the page and measure nothing")
	f.IntVar(&b.rounds, "rounds", 3, "samples of each figure")
	f.DurationVar(&b.budget, "budget", 24*time.Minute, "time after which no measurement is begun")
	f.DurationVar(&b.warm, "warm", 500*time.Millisecond, "time between the first update and the window")
	f.DurationVar(&b.window, "window", 2*time.Second, "time that is measured")
	f.IntVar(&b.trickle, "trickle", 150, "tasks that a latency at 10 a second counts")
	f.StringVar(&figures, "figures", "", "figures to measure: raw, throughput, latency, start, sign; all where empty")
	f.StringVar(&only, "only", "", "workers to measure, all where empty")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := b.open(fresh); err != nil {
		return err
	}
	if !report {
		if err := b.describe(ctx); err != nil {
			return err
		}
		named := func(list, name string) bool {
			return list == "" || slices.Contains(strings.Split(list, ","), name)
		}
		cells := slices.DeleteFunc(b.cells(), func(c Cell) bool {
			return !named(only, c.Worker) || !named(figures, string(c.Figure)) || !b.built(c.Worker)
		})
		if err := b.all(ctx, cells); err != nil {
			return err
		}
	}
	if b.docs == "" {
		return nil
	}
	return b.write()
}

// open finds the workers and reads what there is.
func (b *bench) open(fresh bool) error {
	if b.quick {
		b.rounds, b.budget, b.window, b.trickle = 1, 170*time.Second, time.Second, 50
	}
	abs, err := filepath.Abs(b.dir)
	if err != nil {
		return err
	}
	b.dir = abs
	if fresh {
		if err := os.Remove(b.file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	b.have, err = Read(b.file)
	return err
}

// all measures in rounds, every other one backwards, until the time is over:
// then each figure has as many samples as any other, or one less.
func (b *bench) all(ctx context.Context, cells []Cell) error {
	end := time.Now().Add(b.budget)
	for round := range b.rounds {
		for _, c := range cells {
			if b.count(c) > round || c.rounds(b.rounds) <= round {
				continue
			}
			if time.Now().After(end) {
				_, _ = fmt.Fprintf(b.log, "the time is over in round %d of %d\n", round+1, b.rounds)
				return nil
			}
			if err := b.measure(ctx, c); err != nil {
				return err
			}
		}
		slices.Reverse(cells)
	}
	return nil
}

// count is how many samples of a cell there are.
func (b *bench) count(c Cell) int { return len(b.of(c)) }

func (b *bench) of(c Cell) []Sample {
	var list []Sample
	for _, s := range b.have {
		if s.Cell == c {
			list = append(list, s)
		}
	}
	return list
}

// quiet is how much of a core others may use before a sample counts as
// disturbed, and tries how often it is taken again, in as much of the time as
// there is for that.
const (
	quiet = 0.25
	tries = 3
	again = 0.08
)

// measure takes one sample; one that was disturbed is taken again, and kept
// only if it was the least disturbed.
func (b *bench) measure(ctx context.Context, c Cell) error {
	var best *Sample
	for try := range tries {
		started := time.Now()
		s, err := b.sample(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		if try > 0 {
			b.spent += time.Since(started)
		}
		if best == nil || s.Foreign < best.Foreign {
			best = s
		}
		if best.Foreign <= quiet || b.spent.Seconds() > again*b.budget.Seconds() {
			break
		}
	}
	_, _ = fmt.Fprintln(b.log, best)
	b.have = append(b.have, *best)
	return Append(b.file, *best)
}

func (b *bench) sample(ctx context.Context, c Cell) (*Sample, error) {
	switch c.Figure {
	case Latency:
		return b.latency(ctx, c)
	case Start:
		return b.start(ctx, c)
	case Raw:
		return b.raw(ctx, c)
	case Shell:
		return b.shell(ctx, c)
	}
	return b.throughput(ctx, c)
}
