// Compare measures conductor-jwt and the workers that a user would write with
// Conductor's SDKs, in turn, with one stub server on one machine. It appends the
// samples to a file, does not repeat what is in the file, and writes
// docs/evidence/performance.md and its picture.
//
//	make bench              all figures, at most 25 minutes
//	make bench-quick        the main figures once, 3 minutes
//	.cache/bench/compare -report      only the page, from bench/results.jsonl
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

	"conductor-jwt/bench/samples"
)

func main() {
	// Less CPU for the server; its allocations are short-lived.
	debug.SetGCPercent(1000)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // the deferred stop is not needed any more
	}
}

// bench is the configuration and the samples of a comparison.
type bench struct {
	dir          string // folder of the built workers
	docs         string // folder of the page; "" writes none
	log          io.Writer
	file         string
	samples      []Sample
	quick        bool
	rounds       int
	warm         time.Duration
	window       time.Duration
	latencyTasks int // tasks of a latency at 10/s
	budget       time.Duration
	retryTime    time.Duration // spent on repeated measurements
}

func run(ctx context.Context, args []string, log io.Writer) error {
	b := &bench{log: log}
	var only, figures string
	var fresh, report bool
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.StringVar(&b.dir, "dir", ".cache/bench", "folder of the workers that bench/peers.sh builds")
	f.StringVar(&b.file, "o", "bench/results.jsonl", "file of samples to append to")
	f.StringVar(&b.docs, "docs", "docs/evidence", "folder of performance.md, performance.svg and sizing.md; empty writes none")
	f.BoolVar(&b.quick, "quick", false, "only the main figures, once, in 3 minutes")
	f.BoolVar(&fresh, "fresh", false, "discard earlier samples")
	f.BoolVar(&report, "report", false, "only write the page")
	f.IntVar(&b.rounds, "rounds", 3, "samples of each figure")
	f.DurationVar(&b.budget, "budget", 24*time.Minute, "time after which no measurement starts")
	f.DurationVar(&b.warm, "warm", 500*time.Millisecond, "time between the first update and the window")
	f.DurationVar(&b.window, "window", 2*time.Second, "measured time")
	f.IntVar(&b.latencyTasks, "trickle", 150, "tasks of a latency at 10/s")
	f.StringVar(&figures, "figures", "", "figures to measure: raw, throughput, latency, start, sign; all if empty")
	f.StringVar(&only, "only", "", "workers to measure; all if empty")
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

// open finds the workers and reads earlier samples.
func (b *bench) open(fresh bool) error {
	if b.quick {
		b.rounds, b.budget, b.window, b.latencyTasks = 1, 170*time.Second, time.Second, 50
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
	b.samples, err = samples.Read[Sample](b.file)
	return err
}

// all measures in rounds, every second one in reverse order, until the budget is
// spent: then the numbers of samples differ by one at most.
func (b *bench) all(ctx context.Context, cells []Cell) error {
	end := time.Now().Add(b.budget)
	for round := range b.rounds {
		for _, c := range cells {
			if b.count(c) > round || c.rounds(b.rounds) <= round {
				continue
			}
			if time.Now().After(end) {
				_, _ = fmt.Fprintf(b.log, "the budget is spent in round %d of %d\n", round+1, b.rounds)
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

// count returns the number of samples of a cell.
func (b *bench) count(c Cell) int { return len(b.of(c)) }

func (b *bench) of(c Cell) []Sample {
	var list []Sample
	for _, s := range b.samples {
		if s.Cell == c {
			list = append(list, s)
		}
	}
	return list
}

// A sample during which other processes used more than maxForeign cores is
// repeated, up to maxTries, within retryShare of the budget.
const (
	maxForeign = 0.25
	maxTries   = 3
	retryShare = 0.08
)

// measure takes a sample, repeats it if other processes were busy, and keeps the
// least disturbed.
func (b *bench) measure(ctx context.Context, c Cell) error {
	var best *Sample
	for try := range maxTries {
		started := time.Now()
		s, err := b.sample(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		if try > 0 {
			b.retryTime += time.Since(started)
		}
		if best == nil || s.Foreign < best.Foreign {
			best = s
		}
		if best.Foreign <= maxForeign || b.retryTime.Seconds() > retryShare*b.budget.Seconds() {
			break
		}
	}
	_, _ = fmt.Fprintln(b.log, best)
	b.samples = append(b.samples, *best)
	return samples.Append(b.file, *best)
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
