// Soak runs the worker for minutes or hours near its peak load while its server
// has faults of every kind, in an order given by a seed. It reports whether a
// task was lost, whether memory grew, and whether goroutines and file descriptors
// returned to their number before the load. It writes a page, a picture and the
// samples.
//
//	make soak                                     10 minutes
//	make soak ARGS='-for 30m -seed 7 -procs 1'
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
		os.Exit(1) //nolint:gocritic // the deferred stop is not needed any more
	}
}

var errFailed = errors.New("the soak failed")

func run(ctx context.Context, args []string, log io.Writer) error {
	var out, worker, old string
	var procs int
	o := Options{Printf: func(format string, a ...any) { _, _ = fmt.Fprintf(log, format+"\n", a...) }}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&o.For, "for", 10*time.Minute, "time under load")
	f.Uint64Var(&o.Seed, "seed", rand.Uint64(), "seed of the faults; random by default") //nolint:gosec // a seed is no secret
	f.Float64Var(&o.Share, "share", 0.7, "load as a share of the peak measured at the start")
	f.Float64Var(&o.Rate, "rate", 0, "load in tasks per second; 0 uses -share")
	f.DurationVar(&o.Peak, "peak", 8*time.Second, "duration of the measurement of the peak")
	f.DurationVar(&o.Gap, "gap", 9*time.Second, "mean time between faults")
	f.DurationVar(&o.Fault, "fault", 2*time.Second, "mean duration of a fault")
	f.IntVar(&o.Slots, "slots", 16, "the worker's slots")
	f.IntVar(&o.Trials, "trials", 20, "number of workers whose recovery from an outage is timed")
	f.DurationVar(&o.Outage, "outage", 20*time.Second, "minimum duration of their outage; the maximum is half as much more")
	f.IntVar(&procs, "procs", 0, "GOMAXPROCS of the worker and of the server; 0 is all cores")
	f.StringVar(&worker, "worker", "", "the worker's program; empty builds it")
	f.StringVar(&out, "o", ".cache/soak", "folder to write soak.md, soak.svg and soak.json to")
	f.StringVar(&old, "render", "", "a soak.json to write the page and the picture from, instead of a run")
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
	debug.SetGCPercent(400) // less CPU for the server
	return o.report(ctx, out)
}

// report runs the soak and writes the result.
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
	o.Printf("%s", r.verdict())
	if len(r.Violations) > 0 {
		return errFailed
	}
	return nil
}

// command returns the worker's command, and builds the worker if path is empty.
func command(ctx context.Context, path string) (reliability.Command, error) {
	if path == "" {
		folder, err := filepath.Abs(".cache/soak")
		if err != nil {
			return reliability.Command{}, fmt.Errorf("soak: %w", err)
		}
		environ := os.Environ() //nolint:forbidigo // for go build
		if path, err = reliability.Build(ctx, environ, ".", ".", folder); err != nil {
			return reliability.Command{}, fmt.Errorf("soak: %w", err)
		}
	}
	return reliability.Command{Path: path, Args: []string{"worker"}}, nil
}
