// Soak runs the worker for minutes or hours at most of what it can do, while
// its server suffers faults of every kind in an order that a seed repeats, and
// says whether anything was lost, whether memory stayed flat, and whether
// goroutines and descriptors came back to where they were. It writes a page, a
// picture and the samples.
//
//	make soak                                     10 minutes
//	make soak ARGS='-for 30m -seed 7 -procs 1'   and so on
//	make soak ARGS='-render soak.json'             the page and picture alone
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"conductor-jwt/test/reliability"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to undo
	}
}

// errUnkept is a run that did not keep what is promised.
var errUnkept = errors.New("the soak did not hold")

func run(ctx context.Context, args []string, log io.Writer) error {
	var out, worker, old string
	var procs int
	o := Options{Say: func(format string, a ...any) { _, _ = fmt.Fprintf(log, format+"\n", a...) }}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&o.For, "for", 10*time.Minute, "time under load")
	f.Uint64Var(&o.Seed, "seed", rand.Uint64(), "what the faults are drawn from; any where it is not given") //nolint:gosec // a seed is no secret
	f.Float64Var(&o.Share, "share", 0.7, "load, as a share of the peak that is measured in the first seconds")
	f.Float64Var(&o.Rate, "rate", 0, "load in tasks per second; 0 is by -share")
	f.DurationVar(&o.Peak, "peak", 8*time.Second, "time for which the peak is measured")
	f.DurationVar(&o.Gap, "gap", 9*time.Second, "mean time between two faults")
	f.DurationVar(&o.Fault, "fault", 2*time.Second, "mean time of a fault")
	f.IntVar(&o.Slots, "slots", 16, "the worker's slots")
	f.IntVar(&o.Trials, "trials", 20, "workers whose recovery from a dead server is timed")
	f.DurationVar(&o.Dead, "dead", 20*time.Second, "time for which the server of those is dead, or up to half as much more")
	f.IntVar(&procs, "procs", 0, "cores for the worker, and as many for the server; 0 is all")
	f.StringVar(&worker, "worker", "", "the worker's program; built where it is empty")
	f.StringVar(&out, "o", ".cache/soak", "folder to write soak.md, soak.svg and soak.json to")
	f.StringVar(&old, "render", "", "a soak.json to write the page and the picture of, in place of a run")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	if old != "" {
		r, err := read(old)
		if err != nil {
			return err
		}
		return r.write(out)
	}
	c, err := command(ctx, worker)
	if err != nil {
		return err
	}
	o.Start, o.Path = c.Start, c.Path
	o.Procs = procs
	if procs > 0 {
		runtime.GOMAXPROCS(procs)
	}
	debug.SetGCPercent(400) // the server is to cost as little as it can
	return o.report(ctx, out)
}

// report runs the soak and writes what it found.
func (o Options) report(ctx context.Context, folder string) error {
	r, err := Soak(ctx, o)
	if err != nil {
		return err
	}
	if o.Trials > 0 {
		if r.Recovery, err = Recover(ctx, o); err != nil {
			return err
		}
	}
	r.judge()
	if err := r.write(folder); err != nil {
		return err
	}
	o.Say("%s", r.verdict())
	if len(r.Unkept) > 0 {
		return errUnkept
	}
	return nil
}

// command is the worker, built as a user builds it where there is none.
func command(ctx context.Context, path string) (reliability.Command, error) {
	if path == "" {
		folder, err := filepath.Abs(".cache/soak")
		if err != nil {
			return reliability.Command{}, fmt.Errorf("soak: %w", err)
		}
		environ := os.Environ() //nolint:forbidigo // go build needs its own
		if path, err = reliability.Build(ctx, environ, ".", ".", folder); err != nil {
			return reliability.Command{}, fmt.Errorf("soak: %w", err)
		}
	}
	return reliability.Command{Path: path, Args: []string{"worker"}}, nil
}
