package reliability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/cli"
	"conductor-jwt/test/conductortest"
)

// inProcessWorker is the worker command, run in this process.
type inProcessWorker struct {
	out     output
	signals chan os.Signal
	done    chan struct{}
	status  int
}

// output is a buffer for concurrent use.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// startInProcess returns a [Starter] of workers in this process with the given
// clock.
func startInProcess(now func() time.Time) Starter {
	return func(env map[string]string) (Worker, error) {
		p := &inProcessWorker{signals: make(chan os.Signal, 2), done: make(chan struct{})}
		e := cli.Env{
			Args: []string{"worker"}, Stdin: strings.NewReader(""), Stdout: &p.out, Stderr: &p.out, Now: now, Version: "v0.0.0-test",
			Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			Environ: func() []string {
				var list []string
				for _, name := range slices.Sorted(maps.Keys(env)) {
					list = append(list, name+"="+env[name])
				}
				return list
			},
			Signals: func() (<-chan os.Signal, func()) { return p.signals, func() {} },
		}
		go func() {
			defer close(p.done)
			p.status = cli.Run(context.Background(), e)
		}()
		return p, nil
	}
}

func (p *inProcessWorker) Signal(s os.Signal) {
	if s == os.Kill {
		panic("a worker in this process cannot be killed; it is still running:\n" + p.Log())
	}
	p.signals <- s
}

func (p *inProcessWorker) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.status, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func (p *inProcessWorker) Log() string { return p.out.String() }

// runRow runs our worker through a row and checks what every row promises: all
// tasks complete, the ledger's invariant is kept, each token verifies for its
// own task, the worker exits with 0, and no secret is in its log, its pages or
// the output of another task.
func runRow(t *testing.T, row Row) Verdict {
	t.Helper()
	return runRowIn(t, row, startInProcess(time.Now))
}

func runRowIn(t *testing.T, row Row, start Starter) Verdict {
	t.Helper()
	return runRowWithKeys(t, row, keyRing(), start)
}

func runRowWithKeys(t *testing.T, row Row, keys []Key, start Starter) Verdict {
	t.Helper()
	v, err := row.Run(t.Context(), keys, start)
	if err != nil {
		t.Errorf("row %d: %v", row.Number, err)
	}
	t.Log(v)
	if v.Completed != v.Tasks || v.LedgerErr != nil || v.TokenErr != nil {
		t.Errorf("row %d: %s", row.Number, v)
	}
	if row.Fault != "" && len(v.Violations) > 0 {
		t.Errorf("row %d: %s", row.Number, strings.Join(v.Violations, ", "))
	}
	checkWorker(t, v)
	return v
}

// checkWorker checks what is promised of the worker apart from its tasks.
func checkWorker(t *testing.T, v Verdict) {
	t.Helper()
	if v.Status != 0 {
		t.Errorf("exit status %d, want 0", v.Status)
	}
	if lines(v.Log, "panicked") > 0 {
		t.Error("the log reports a panic")
	}
	if !strings.Contains(v.Pages, "conductor_jwt_") {
		t.Error("the metrics were not read")
	}
	wantNoLeaks(t, v)
	if !t.Failed() {
		return
	}
	for line := range strings.SplitSeq(v.Log, "\n") {
		if strings.Contains(line, `"level":"warning"`) || strings.Contains(line, `"level":"error"`) || !strings.HasPrefix(line, "{") {
			t.Log(line)
		}
	}
}

// wantNoLeaks reports keys, credentials and tokens where they must not be.
func wantNoLeaks(t *testing.T, v Verdict) {
	t.Helper()
	for _, l := range v.Leaks {
		t.Errorf("found %s", l)
	}
}

// wantNoneLost checks that the server accepted every result, and that no task
// was left to the response timeout.
func wantNoneLost(t *testing.T, v Verdict) {
	t.Helper()
	if v.TimedOut > 0 {
		t.Errorf("%d tasks timed out at the server, want 0", v.TimedOut)
	}
	if n := strings.Count(v.Log, "the server did not accept the task's result"); n > 0 {
		t.Errorf("the worker gave up %d results, want 0", n)
	}
}

// lines counts the lines of a log that contain a text.
func lines(log, text string) int {
	n := 0
	for line := range strings.SplitSeq(log, "\n") {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// checkProbes checks that /livez is 200 and that /readyz is the given status.
func checkProbes(ctx context.Context, w Worker, ready int) error {
	base, err := BaseURL(ctx, w)
	if err != nil {
		return err
	}
	for page, want := range map[string]int{"/livez": http.StatusOK, "/readyz": ready} {
		got, body, err := conductortest.Get(ctx, base+page)
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		if got != want {
			return fmt.Errorf("%s is %d, want %d: %s", page, got, want, body)
		}
	}
	return nil
}

// eventually waits until the condition is true.
func eventually(ctx context.Context, what string, condition func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("timed out waiting until " + what)
		}
	}
	return nil
}
