// Compare measures conductor-jwt beside the workers that one would write with
// Conductor's SDKs: one stub server, one machine, runs in turn. It appends what
// it measured to a file, and does not measure again what is in there; report
// makes docs/performance.md of it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to undo
	}
}

// bench is what a comparison works with.
type bench struct {
	dir    string // of the built workers
	log    io.Writer
	file   string
	have   []Sample
	warm   time.Duration
	window time.Duration
}

func run(ctx context.Context, args []string, log io.Writer) error {
	b := &bench{log: log}
	var rounds int
	var parts, only string
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.StringVar(&b.dir, "dir", ".cache/bench", "folder of the workers that make bench-peers builds")
	f.StringVar(&b.file, "o", "bench/results.jsonl", "file of samples to append to")
	f.IntVar(&rounds, "rounds", 3, "samples of each figure")
	f.DurationVar(&b.warm, "warm", 2*time.Second, "time between the first update and the window")
	f.DurationVar(&b.window, "window", 3*time.Second, "time that is measured")
	f.StringVar(&parts, "parts", "throughput,variants,latency,start", "figures to measure")
	f.StringVar(&only, "only", "", "workers to measure, all where empty")
	if err := f.Parse(args); err != nil {
		return err
	}
	abs, err := filepath.Abs(b.dir)
	if err != nil {
		return err
	}
	b.dir = abs
	if b.have, err = Read(b.file); err != nil {
		return err
	}
	if err := b.describe(ctx); err != nil {
		return err
	}
	cells := slices.DeleteFunc(cells(strings.Split(parts, ",")), func(c Cell) bool {
		return only != "" && !slices.Contains(strings.Split(only, ","), c.Worker) || !b.built(c.Worker)
	})
	for round := range rounds {
		for _, c := range cells {
			if b.count(c) > round {
				continue
			}
			if err := b.measure(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// count is how many samples of a cell there are.
func (b *bench) count(c Cell) int {
	n := 0
	for _, s := range b.have {
		if s.Cell == c {
			n++
		}
	}
	return n
}

// quiet is how much of a core others may use before a sample counts as
// disturbed, and tries how often it is taken again.
const (
	quiet = 0.25
	tries = 3
)

// measure takes one sample; one that was disturbed is taken again, and kept
// only if it was the least disturbed.
func (b *bench) measure(ctx context.Context, c Cell) error {
	var best *Sample
	for range tries {
		s, err := b.sample(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		if best == nil || s.Foreign < best.Foreign {
			best = s
		}
		if best.Foreign <= quiet {
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
	}
	return b.throughput(ctx, c)
}
