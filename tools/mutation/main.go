// Command mutation changes one thing at a time in a package and lists the changes that its tests do not detect.
//
// It does not edit the tree: it passes a mutant to the compiler by go test -overlay. Run it from the root of the module.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
)

// options are the flags of a run.
type options struct {
	pkg        string
	n          int
	seed       uint64
	jobs       int
	wider      string
	equivalent string
	only       string
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == limited {
		exit(runLimited(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(run(ctx, os.Args[1:], os.Stdout))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("mutation", flag.ContinueOnError)
	fs.IntVar(&o.n, "n", 60, "number of mutants; 0 means all")
	fs.Uint64Var(&o.seed, "seed", 1, "seed that chooses the mutants")
	fs.IntVar(&o.jobs, "jobs", 2, "mutants tested at once")
	fs.StringVar(&o.wider, "wider", "", "space-separated packages whose tests also run on survivors")
	fs.StringVar(&o.equivalent, "equivalent", "tools/mutation/equivalent.txt", "file of mutants that behave like the original")
	fs.StringVar(&o.only, "only", "", "file of mutants, as a run prints them, to test instead of all")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() != 1 {
		return o, fmt.Errorf("give one package, such as ./signer")
	}
	o.pkg = fs.Arg(0)
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	known, err := readEquivalents(o.equivalent)
	if err != nil {
		return err
	}
	mutants, err := packageMutants(ctx, o.pkg)
	if err != nil {
		return err
	}
	if o.only != "" {
		if mutants, err = listed(mutants, o.only); err != nil {
			return err
		}
	}
	rng := rand.New(rand.NewPCG(o.seed, 0))
	rng.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
	t, err := newTester(ctx, o)
	if err != nil {
		return err
	}
	defer os.RemoveAll(t.dir)
	report(out, o, known, t.testAll(ctx, mutants, o.n))
	return ctx.Err()
}

// listed keeps the mutants that a file lists, one per line; line numbers are ignored.
func listed(mutants []mutant, path string) ([]mutant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	place := regexp.MustCompile(`^(\S+):\d+: `)
	keys := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		keys[place.ReplaceAllString(strings.TrimSpace(line), "$1: ")] = true
	}
	return slices.DeleteFunc(mutants, func(m mutant) bool { return !keys[m.key()] }), nil
}

// report prints each survivor that is not known to be equivalent, then a row of a table.
func report(out io.Writer, o options, known map[string]string, results []result) {
	var killed, wider, equivalent, survived int
	for _, r := range results {
		switch {
		case r.verdict == killedByOwn:
			killed++
		case r.verdict == killedByWider:
			wider++
		case known[r.mutant.key()] != "":
			equivalent++
		default:
			survived++
			fmt.Fprintf(out, "%s:%d: %s: %s → %s\n", r.mutant.file, r.mutant.line, r.mutant.function, r.mutant.before, r.mutant.after)
		}
	}
	score := 0.0
	if len(results) > 0 {
		score = 100 * float64(len(results)-survived) / float64(len(results))
	}
	fmt.Fprintf(out, "\n| package | seed | mutants | killed | killed by wider tests | equivalent | survived | score |\n|---|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %d | %.0f %% |\n", strings.TrimPrefix(o.pkg, "./"), o.seed, len(results), killed, wider, equivalent, survived, score)
}

// readEquivalents reads the file of equivalent mutants: the key of a mutant, and below it, indented, the reason.
func readEquivalents(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	known, key := map[string]string{}, ""
	for i, line := range strings.Split(string(text), "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case line[0] != '\t':
			if key != "" && known[key] == "" {
				return nil, fmt.Errorf("%s:%d: the mutant above has no reason", path, i+1)
			}
			key = trimmed
		case key == "":
			return nil, fmt.Errorf("%s:%d: a reason without a mutant above it", path, i+1)
		default:
			known[key] += trimmed + " "
		}
	}
	if key != "" && known[key] == "" {
		return nil, fmt.Errorf("%s: the last mutant has no reason", path)
	}
	return known, nil
}
