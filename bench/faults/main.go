// Faults puts our worker, conductor-go's TaskRunner and the worker of the
// Python SDK through the rows of package reliability, and prints what became
// of their tasks as a Markdown table.
//
//	make bench-faults ARGS='-rows 3,4'
//
// All three are put through a row at the same time, each before a ledger
// server of its own, and judged by the same verdict.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"conductor-jwt/test/reliability"
)

// settings are the flags.
type settings struct {
	rows     string
	docs     string
	built    string
	logs     string
	kills    int
	seed     uint64
	random   time.Duration
	parallel int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var s settings
	flag.StringVar(&s.rows, "rows", "", "numbers of rows, with commas between; all if empty")
	flag.StringVar(&s.docs, "docs", "", "page whose measured columns are written")
	flag.StringVar(&s.built, "built", ".cache/bench", "folder in which bench/peers.sh has built the workers")
	flag.StringVar(&s.logs, "logs", "", "folder for what the workers wrote; none if empty")
	flag.IntVar(&s.kills, "kills", 10, "rounds of kill -9")
	flag.Uint64Var(&s.seed, "seed", 1, "seed of what goes wrong when")
	flag.DurationVar(&s.random, "random", 30*time.Second, "how long faults go on at random")
	flag.IntVar(&s.parallel, "parallel", 3, "rows at a time")
	flag.Parse()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	peers, err := peersOf(s.built)
	if err != nil {
		return err
	}
	keys, err := reliability.NewKeys()
	if err != nil {
		return err
	}
	wanted, err := chosen(s) //nolint:contextcheck // no row is played here
	if err != nil {
		return err
	}
	results := make([][]cell, len(wanted))
	slots := make(chan struct{}, max(1, s.parallel))
	var all sync.WaitGroup
	for i, n := range wanted {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			results[i] = play(ctx, s, n, peers, keys)
			fmt.Fprintln(os.Stderr, lineOf(results[i]))
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	table := tableOf(results)
	fmt.Print(table) //nolint:forbidigo // what it is for
	if s.docs == "" {
		return nil
	}
	return rewrite(s.docs, results)
}

// rowsOf makes the rows anew: each run has state of its own in them.
func rowsOf(s settings) []reliability.Row {
	rows := append([]reliability.Row{reliability.Calm()}, reliability.Rows(s.kills, s.seed)...)
	return append(rows, reliability.Panic(), reliability.RandomFaults(s.random, s.seed))
}

// chosen is the places in rowsOf of the rows that are asked for.
func chosen(s settings) ([]int, error) {
	var numbers []int
	for text := range strings.SplitSeq(s.rows, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("-rows holds %q; want numbers with commas between", text)
		}
		numbers = append(numbers, n)
	}
	var places []int
	for i, r := range rowsOf(s) {
		if len(numbers) == 0 || slices.Contains(numbers, r.Number) {
			places = append(places, i)
		}
	}
	slices.SortStableFunc(places, func(a, b int) int { return rowsOf(s)[a].Number - rowsOf(s)[b].Number })
	return places, nil
}

// play puts every worker through a row.
func play(ctx context.Context, s settings, place int, peers []peer, keys []reliability.Key) []cell {
	cells := make([]cell, len(peers))
	var all sync.WaitGroup
	for i, p := range peers {
		all.Go(func() {
			row := rowsOf(s)[place] //nolint:contextcheck // what is in the middle ends with the row
			var m memory
			v, err := row.Run(ctx, keys, m.watch(p.command.Start))
			cells[i] = cell{row: row, verdict: v, err: err, peak: m.peak()}
			keep(s.logs, fmt.Sprintf("%d-%d-%s.log", row.Number, place, p.name), v)
		})
	}
	all.Wait()
	return cells
}

// keep writes a log, which may hold keys of the run, for its owner alone.
func keep(folder, name string, v reliability.Verdict) {
	if folder == "" {
		return
	}
	text := v.String() + "\n" + v.Log
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
}
