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

// inProcess is the worker command of the command line in this process.
type inProcess struct {
	out     output
	signals chan os.Signal
	done    chan struct{}
	status  int
}

// output may be read while it is written.
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

// inside starts a worker in this process, on the given clock.
func inside(now func() time.Time) Starter {
	return func(env map[string]string) (Worker, error) {
		p := &inProcess{signals: make(chan os.Signal, 2), done: make(chan struct{})}
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

func (p *inProcess) Signal(s os.Signal) {
	if s == os.Kill {
		panic("a worker in this process cannot be killed; it is still running:\n" + p.Log())
	}
	p.signals <- s
}

func (p *inProcess) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.status, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

func (p *inProcess) Log() string { return p.out.String() }

// hold puts our worker through a row and wants what is promised in every one
// of them: all tasks are done, the ledger's invariant holds, each token
// verifies for its own task, the worker ends with 0, and neither its log nor
// its metrics nor an output tells a secret of another's.
func hold(t *testing.T, row Row) Verdict {
	t.Helper()
	return holdIn(t, row, inside(time.Now))
}

func holdIn(t *testing.T, row Row, start Starter) Verdict {
	t.Helper()
	return holdWith(t, row, keyRing(), start)
}

func holdWith(t *testing.T, row Row, keys []Key, start Starter) Verdict {
	t.Helper()
	v, err := row.Run(t.Context(), keys, start)
	if err != nil {
		t.Errorf("row %d: %v", row.Number, err)
	}
	t.Log(v)
	if v.Completed != v.Tasks || v.Broken != nil || v.Wrong != nil {
		t.Errorf("row %d: %s", row.Number, v)
	}
	if row.Fault != "" && len(v.Unkept) > 0 {
		t.Errorf("row %d: %s", row.Number, strings.Join(v.Unkept, ", "))
	}
	fit(t, v)
	return v
}

// fit wants what is promised of the worker whatever the ledger says.
func fit(t *testing.T, v Verdict) {
	t.Helper()
	if v.Status != 0 {
		t.Errorf("exit status %d", v.Status)
	}
	if lines(v.Log, "panicked") > 0 {
		t.Error("it panicked")
	}
	if !strings.Contains(v.Pages, "conductor_jwt_") {
		t.Error("no metrics were looked at")
	}
	silent(t, v)
	if !t.Failed() {
		return
	}
	for line := range strings.SplitSeq(v.Log, "\n") {
		if strings.Contains(line, `"level":"warning"`) || strings.Contains(line, `"level":"error"`) || !strings.HasPrefix(line, "{") {
			t.Log(line)
		}
	}
}

// silent wants no key, no credentials and no token where they have no
// business.
func silent(t *testing.T, v Verdict) {
	t.Helper()
	for _, l := range v.Leaks {
		t.Errorf("there is %s", l)
	}
}

// noneLost wants every result to have arrived, and none to have been left to
// the server's response timeout.
func noneLost(t *testing.T, v Verdict) {
	t.Helper()
	if v.TakenBack > 0 {
		t.Errorf("the server took %d tasks back", v.TakenBack)
	}
	if n := strings.Count(v.Log, "the server did not accept the task's result"); n > 0 {
		t.Errorf("%d results were given up", n)
	}
}

// lines is how many lines of a log hold a text.
func lines(log, text string) int {
	n := 0
	for line := range strings.SplitSeq(log, "\n") {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// alive asks a worker's two probes, and wants it to live and to be ready or not.
func alive(ctx context.Context, w Worker, ready int) error {
	base, err := Probe(ctx, w)
	if err != nil {
		return err
	}
	for page, want := range map[string]int{"/livez": http.StatusOK, "/readyz": ready} {
		got, body, err := conductortest.Ask(ctx, base+page)
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		if got != want {
			return fmt.Errorf("%s is %d, want %d: %s", page, got, want, body)
		}
	}
	return nil
}

// eventually asks until the answer is yes.
func eventually(ctx context.Context, what string, yes func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("never: " + what)
		}
	}
	return nil
}
