// Server measures workers on the real Conductor server, on SQLite and on
// PostgreSQL. Conductor-jwt and the workers of the SDKs are compared, in turn, at
// several rates and in a burst: the CPU of worker and server for a token, the
// requests, the time from scheduled to ended and the tokens a second. Of
// conductor-jwt it also measures what slots, replicas and cold polls change. It
// writes the figures into docs/sizing.md.
//
//	make bench-server       an hour
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
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
	page := f.String("page", "docs/sizing.md", "page to write the figures into; empty prints them")
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
	var reports []report
	for store := range strings.SplitSeq(*stores, ",") {
		r, err := b.store(ctx, store)
		if err != nil {
			return fmt.Errorf("%s: %w", store, err)
		}
		reports = append(reports, r)
	}
	text := write(reports)
	if *page == "" {
		_, err := io.WriteString(os.Stdout, text)
		return err
	}
	return insert(*page, text)
}

// store measures all figures of one store.
func (b *bench) store(ctx context.Context, store string) (r report, err error) {
	r.store = store
	s, err := start(ctx, store)
	if err != nil {
		return r, err
	}
	defer s.stop(ctx)
	r.version = s.server.Version()
	_, _ = fmt.Fprintf(b.log, "%s: conductor %s is up\n", store, r.version)
	// Warm-up, for Java's compiler.
	if _, err := b.throughput(ctx, s, setting{slots: 10, replicas: 1}); err != nil {
		return r, err
	}
	if b.peers != "" {
		if r.costs, err = b.compare(ctx, s); err != nil {
			return r, err
		}
	}
	for _, c := range b.settings() {
		one, err := b.throughput(ctx, s, c)
		if err != nil {
			return r, err
		}
		_, _ = fmt.Fprintf(b.log, "%s: %+v\n", store, one)
		r.rates = append(r.rates, one)
	}
	for _, pollers := range []int{0, 1, 2, 4} {
		one, err := b.waiting(ctx, s, pollers)
		if err != nil {
			return r, err
		}
		_, _ = fmt.Fprintf(b.log, "%s: %+v\n", store, one)
		r.waits = append(r.waits, one)
	}
	return r, nil
}

func (b *bench) settings() []setting {
	if b.quick {
		return []setting{{slots: 10, replicas: 1}}
	}
	return []setting{
		{slots: 1, replicas: 1},
		{slots: 4, replicas: 1},
		{slots: 10, replicas: 1},
		{slots: 50, replicas: 1},
		{slots: 10, replicas: 2},
	}
}
