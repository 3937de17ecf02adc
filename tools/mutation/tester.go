package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

type verdict int

const (
	notRun verdict = iota // the run was interrupted
	doesNotCompile
	killedByOwn
	killedByWider
	survived
)

type result struct {
	mutant  mutant
	verdict verdict
}

// limited is the first argument when go test -exec runs a test binary through this program.
const limited = "-limited"

// maxMemory bounds the address space of a test, because a mutant may allocate without end.
const maxMemory = 6 << 30

// runLimited replaces this process by the test binary, with a memory limit.
func runLimited(command []string) error {
	limit := syscall.Rlimit{Cur: maxMemory, Max: maxMemory}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		return fmt.Errorf("limit the memory: %w", err)
	}
	return syscall.Exec(command[0], command, os.Environ())
}

// tester runs the tests on mutants.
type tester struct {
	o       options
	self    string
	dir     string
	timeout time.Duration
}

// newTester runs the tests on the unchanged package. They must pass, and their duration determines the timeout.
func newTester(ctx context.Context, o options) (*tester, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return nil, err
	}
	t := &tester{o: o, self: self, dir: dir, timeout: 10 * time.Minute}
	start := time.Now()
	for _, pkgs := range []string{o.pkg, o.wider} {
		if pkgs == "" {
			continue
		}
		if out, err := t.goTest(ctx, pkgs, ""); err != nil {
			return nil, errors.Join(fmt.Errorf("the tests fail without a mutant: %w\n%s", err, out), os.RemoveAll(dir))
		}
	}
	t.timeout = max(30*time.Second, 10*time.Since(start))
	return t, nil
}

// goTest runs the tests of pkgs, separated by spaces. A test that hangs ends at the timeout with an error.
func (t *tester) goTest(ctx context.Context, pkgs, overlay string) (string, error) {
	// Five more minutes for the compiler.
	ctx, cancel := context.WithTimeout(ctx, t.timeout+5*time.Minute)
	defer cancel()
	args := []string{
		"test", "-count=1", "-failfast", "-vet=off", "-timeout=" + t.timeout.String(),
		"-exec=" + t.self + " " + limited,
	}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, strings.Fields(pkgs)...)...)
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=true") // otherwise rapid writes failing cases into the tree
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// testAll tests mutants in order until n of them have compiled, and returns those; 0 is all.
func (t *tester) testAll(ctx context.Context, mutants []mutant, n int) []result {
	if n == 0 {
		n = len(mutants)
	}
	results := make([]result, len(mutants))
	var (
		mu                        sync.Mutex
		next, compiled, surviving int
		wg                        sync.WaitGroup
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if compiled >= n || next >= len(mutants) || ctx.Err() != nil {
			return 0, false
		}
		next++
		return next - 1, true
	}
	put := func(i int, v verdict) {
		mu.Lock()
		defer mu.Unlock()
		results[i] = result{mutants[i], v}
		if v >= killedByOwn {
			compiled++
		}
		if v == survived {
			surviving++
		}
		progress(compiled, n, surviving)
	}
	for job := range t.o.jobs {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				put(i, t.test(ctx, mutants[i], job))
			}
		})
	}
	wg.Wait()
	var kept []result
	for _, r := range results {
		if r.verdict >= killedByOwn && len(kept) < n {
			kept = append(kept, r)
		}
	}
	return kept
}

func (t *tester) test(ctx context.Context, m mutant, job int) verdict {
	overlay, err := t.overlay(m, job)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		return notRun
	}
	out, err := t.goTest(ctx, t.o.pkg, overlay)
	switch {
	case ctx.Err() != nil:
		return notRun
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return doesNotCompile
	case err != nil:
		return killedByOwn
	case t.o.wider == "":
		return survived
	}
	if _, err := t.goTest(ctx, t.o.wider, overlay); err != nil && ctx.Err() == nil {
		return killedByWider
	}
	return survived
}

// overlay writes the mutant outside the tree and returns the file for go test -overlay.
func (t *tester) overlay(m mutant, job int) (string, error) {
	src, err := m.source()
	if err != nil {
		return "", err
	}
	mutated := filepath.Join(t.dir, fmt.Sprintf("%d-%s", job, filepath.Base(m.path)))
	if err := os.WriteFile(mutated, src, 0o600); err != nil {
		return "", err
	}
	spec, err := json.Marshal(map[string]any{"Replace": map[string]string{m.path: mutated}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(t.dir, fmt.Sprintf("%d.json", job))
	return path, os.WriteFile(path, spec, 0o600)
}

// progress shows the progress on a terminal.
func progress(compiled, n, surviving int) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return
	}
	fmt.Fprintf(os.Stderr, "\r%d of %d mutants tested, %d survived ", compiled, n, surviving)
	if compiled >= n {
		fmt.Fprintln(os.Stderr)
	}
}
