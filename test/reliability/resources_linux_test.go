package reliability

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

const mebi = 1 << 20

// peak returns the maximum resident memory of a process, in bytes.
func peak(w Worker) (int, error) {
	p, ok := w.(*Process)
	if !ok {
		return 0, fmt.Errorf("the worker is not a process of its own")
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no VmHWM in %s", status)
	}
	kib, err := strconv.Atoi(fields[0])
	return kib << 10, err
}

// growth runs a row with a worker process. It returns the worker's peak memory
// after the first tasks, and by how much the peak grew from then on.
func growth(t *testing.T, row Row) (v Verdict, base, grown int) {
	t.Helper()
	faults, steps := row.Plan, row.Steps
	row.Plan = nil
	row.Steps = func(ctx context.Context, r *Run) (err error) {
		if err := r.AwaitCompleted(ctx, row.Tasks); err != nil {
			return err
		}
		if base, err = peak(r.Worker()); err != nil {
			return err
		}
		r.Ledger.SetFaults(faults)
		if steps != nil {
			if err := steps(ctx, r); err != nil {
				return err
			}
		}
		r.Load(row.Tasks)
		if err := r.Await(ctx); err != nil {
			return err
		}
		after, err := peak(r.Worker())
		grown = after - base
		return err
	}
	v = runRowIn(t, row, builtWorker(t).Start)
	t.Logf("%.1f MiB before the faults, and %.1f MiB more after", float64(base)/mebi, float64(grown)/mebi)
	return v, base, grown
}

func TestOversizedResponsesDoNotGrowMemory(t *testing.T) {
	t.Parallel()
	row := OversizedResponses()
	v, _, grown := growth(t, row)
	wantNoneLost(t, v)
	if grown > 64*mebi {
		t.Errorf("memory grew by %d MiB, want at most 64", grown/mebi)
	}
}

// Tasks of 3 MiB, more than a response may hold together: the worker refuses the
// response and then polls for one task at a time, so that the slots bound the
// memory for inputs.
func TestLargeTasks(t *testing.T) {
	t.Parallel()
	key := keyRing()[1]
	key.mint = nil
	inline, err := json.Marshal(key.Text) // an expression would make the ledger search 3 MiB for more of them
	must(t, err)
	padding := json.RawMessage(`"` + strings.Repeat("x", 3*mebi) + `"`)
	heavy := func(s *conductortest.TaskSpec) {
		var input map[string]json.RawMessage
		must(t, json.Unmarshal(s.Template, &input))
		input["padding"], input["privateKey"] = padding, inline
		raw, err := json.Marshal(input)
		must(t, err)
		s.Template, s.Input = nil, raw
	}
	v := runRowWithKeys(t, Row{
		Number: 16, Options: Options{Lease: 10 * time.Second, Down: true},
		Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "16", "GOMEMLIMIT": "100MiB", "CONDUCTOR_JWT_SECRET_INJECTION": "key"},
		Steps: func(ctx context.Context, r *Run) error {
			for range 14 {
				r.Enqueue(heavy)
			}
			r.Load(14)
			if err := r.Up(ctx); err != nil {
				return err
			}
			if err := r.Await(ctx); err != nil {
				return err
			}
			maxBytes, err := peak(r.Worker())
			t.Logf("at most %d MiB", maxBytes/mebi)
			if maxBytes > 150*mebi {
				t.Errorf("memory grew to %d MiB, want at most 150", maxBytes/mebi)
			}
			return err
		},
	}, []Key{key}, builtWorker(t).Start)
	if v.TimedOut == 0 {
		t.Error("no task timed out, so no response was too large: there was no fault")
	}
}

// descriptors is the limit of open files of TestOutOfFileDescriptors.
const descriptors = 24

// A worker without file descriptors backs off, and continues when it has some.
func TestOutOfFileDescriptors(t *testing.T) {
	t.Parallel()
	limited := builtWorker(t, "/bin/sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, descriptors), "sh")
	v := runRowIn(t, Row{
		Number: 27, Tasks: 100, Options: Options{Lease: 3 * time.Second},
		Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "50", "CONDUCTOR_JWT_POLLERS": "10"},
		Steps: func(ctx context.Context, r *Run) error {
			base, err := BaseURL(ctx, r.Worker())
			if err != nil {
				return err
			}
			held, err := exhaust(ctx, base)
			if err != nil {
				return err
			}
			err = r.AwaitCompleted(ctx, 20)
			for _, c := range held {
				_ = c.Close()
			}
			r.FaultEnded()
			return err
		},
	}, limited.Start)
	if n := lines(v.Log, "too many open files"); n == 0 {
		t.Error("the worker had enough descriptors: there was no fault")
	}
}

// exhaust opens connections to the worker's port until it has no descriptors.
func exhaust(ctx context.Context, base string) (held []net.Conn, err error) {
	var dialer net.Dialer
	for range descriptors {
		c, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			return held, err
		}
		held = append(held, c)
	}
	return held, nil
}
