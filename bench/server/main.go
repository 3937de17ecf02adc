// Server measures workers on the real Conductor server, on SQLite and on
// PostgreSQL. Conductor-jwt and the workers of the SDKs are compared, in turn, at
// several rates and in a burst: the CPU of worker and server for a token, the
// requests, the time from scheduled to ended and the tokens a second. Of
// conductor-jwt it also measures what slots, replicas and cold polls change. It
// appends the samples to a file and writes the figures of all of them into
// docs/evidence/performance.md and docs/evidence/sizing.md.
//
//	make bench-server                               fifty minutes
//	make bench-server ARGS='-fresh -stores SQLite -rounds 2'
//	.cache/bench/server -report                     only the pages
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"conductor-jwt/bench/samples"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // the deferred stop is not needed any more
	}
}

// bench is the configuration of the measurements.
type bench struct {
	log     io.Writer
	worker  string // path of the binary
	file    string
	samples []sample
	backlog int    // executions for a throughput
	trickle int    // executions for a latency
	peers   string // folder of the workers that are compared; empty compares none
	rounds  int    // of the comparison
	quick   bool
}

// The stores of the server.
const (
	sqlite   = "SQLite"
	postgres = "PostgreSQL"
)

func run(ctx context.Context, args []string, log io.Writer) error {
	b := &bench{log: log}
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.StringVar(&b.worker, "worker", ".cache/bench/conductor-jwt", "the worker's binary")
	docs := f.String("docs", "docs/evidence", "folder of performance.md and sizing.md; empty writes none")
	f.StringVar(&b.file, "o", "bench/server.jsonl", "file of samples to append to")
	fresh := f.Bool("fresh", false, "discard earlier samples")
	report := f.Bool("report", false, "only write the pages")
	stores := f.String("stores", sqlite+","+postgres, "stores of the server")
	f.IntVar(&b.backlog, "n", 400, "executions for each throughput")
	f.IntVar(&b.trickle, "trickle", 100, "executions for each latency")
	f.StringVar(&b.peers, "peers", ".cache/bench", "folder of the workers that bench/peers.sh built; empty compares none")
	f.IntVar(&b.rounds, "rounds", 3, "rounds of the comparison")
	f.BoolVar(&b.quick, "quick", false, "measure less, in three minutes for each store")
	if err := f.Parse(args); err != nil {
		return err
	}
	binary, err := filepath.Abs(b.worker)
	if err != nil {
		return err
	}
	b.worker = binary
	if b.peers != "" {
		if b.peers, err = filepath.Abs(b.peers); err != nil {
			return err
		}
	}
	if *fresh {
		if err := os.Remove(b.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if b.samples, err = samples.Read[sample](b.file); err != nil {
		return err
	}
	if !*report {
		for store := range strings.SplitSeq(*stores, ",") {
			if err := b.store(ctx, store); err != nil {
				return fmt.Errorf("%s: %w", store, err)
			}
		}
	}
	if *docs == "" {
		return nil
	}
	return b.write(*docs)
}

// store measures all figures of one store.
func (b *bench) store(ctx context.Context, store string) error {
	s, err := start(ctx, store)
	if err != nil {
		return err
	}
	defer s.stop(ctx)
	_, _ = fmt.Fprintf(b.log, "%s: conductor %s is up\n", store, s.server.Version())
	// Warm-up, for Java's compiler.
	if _, err := b.throughput(ctx, s, cell{Slots: 10, Replicas: 1}); err != nil {
		return err
	}
	if b.peers != "" {
		if err := b.compare(ctx, s); err != nil {
			return err
		}
	}
	for _, c := range b.rates() {
		one, err := b.throughput(ctx, s, c)
		if err != nil {
			return err
		}
		if err := b.add(s, one); err != nil {
			return err
		}
	}
	for _, c := range waits() {
		one, err := b.waiting(ctx, s, c)
		if err != nil {
			return err
		}
		if err := b.add(s, one); err != nil {
			return err
		}
	}
	return nil
}

// rates are the slots and replicas that are measured.
func (b *bench) rates() []cell {
	if b.quick {
		return []cell{{Figure: rate, Slots: 10, Replicas: 1}}
	}
	return []cell{
		{Figure: rate, Slots: 1, Replicas: 1},
		{Figure: rate, Slots: 4, Replicas: 1},
		{Figure: rate, Slots: 10, Replicas: 1},
		{Figure: rate, Slots: 50, Replicas: 1},
		{Figure: rate, Slots: 10, Replicas: 2},
	}
}

// waits are the cold polls that are measured.
func waits() []cell {
	return []cell{{Figure: wait}, {Figure: wait, Pollers: 1}, {Figure: wait, Pollers: 2}, {Figure: wait, Pollers: 4}}
}
