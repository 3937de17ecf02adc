// Faults runs our worker, conductor-go's TaskRunner and the worker of the Python
// SDK through the rows of package reliability, and prints the results as a
// Markdown table.
//
//	make bench-faults ARGS='-rows 3,4'
//
// All three run through a row at the same time, each with its own ledger server,
// and are judged by the same verdict.
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
	flag.StringVar(&s.rows, "rows", "", "comma-separated numbers of rows; all if empty")
	flag.StringVar(&s.docs, "docs", "", "page to write the measured columns into")
	flag.StringVar(&s.built, "built", ".cache/bench", "folder in which bench/peers.sh has built the workers")
	flag.StringVar(&s.logs, "logs", "", "folder for the workers' logs; none if empty")
	flag.IntVar(&s.kills, "kills", 10, "rounds of kill -9")
	flag.Uint64Var(&s.seed, "seed", 1, "seed of the faults")
	flag.DurationVar(&s.random, "random", 30*time.Second, "duration of the random faults")
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
	wanted, err := selected(s) //nolint:contextcheck // no row runs here
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
			results[i] = runRow(ctx, s, n, peers, keys)
			fmt.Fprintln(os.Stderr, lineOf(results[i]))
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	table := tableOf(results)
	fmt.Print(table) //nolint:forbidigo // the output
	if s.docs == "" {
		return nil
	}
	return rewrite(s.docs, results)
}

// rowsOf makes new rows: a row holds the state of one run.
func rowsOf(s settings) []reliability.Row {
	rows := append([]reliability.Row{reliability.NoFault()}, reliability.Rows(s.kills, s.seed)...)
	return append(rows, reliability.Panic(), reliability.RandomFaults(s.random, s.seed))
}

// selected returns the indexes in rowsOf of the rows named by -rows.
func selected(s settings) ([]int, error) {
	var numbers []int
	for text := range strings.SplitSeq(s.rows, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("-rows: %q is not a number; want comma-separated numbers", text)
		}
		numbers = append(numbers, n)
	}
	var indexes []int
	for i, r := range rowsOf(s) {
		if len(numbers) == 0 || slices.Contains(numbers, r.Number) {
			indexes = append(indexes, i)
		}
	}
	slices.SortStableFunc(indexes, func(a, b int) int { return rowsOf(s)[a].Number - rowsOf(s)[b].Number })
	return indexes, nil
}

// runRow runs every worker through a row.
func runRow(ctx context.Context, s settings, index int, peers []peer, keys []reliability.Key) []cell {
	cells := make([]cell, len(peers))
	var all sync.WaitGroup
	for i, p := range peers {
		all.Go(func() {
			row := rowsOf(s)[index] //nolint:contextcheck // the row's proxy ends with the row
			var m memory
			v, err := row.Run(ctx, keys, m.watch(p.command.Start))
			cells[i] = cell{row: row, verdict: v, err: err, peak: m.peak()}
			writeLog(s.logs, fmt.Sprintf("%d-%d-%s.log", row.Number, index, p.name), v)
		})
	}
	all.Wait()
	return cells
}

// writeLog writes a log, readable only by its owner, because it may hold keys.
func writeLog(folder, name string, v reliability.Verdict) {
	if folder == "" {
		return
	}
	text := v.String() + "\n" + v.Log
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
}
