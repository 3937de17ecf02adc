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

// peak is the most memory that a process was ever resident with, in bytes.
func peak(w Worker) (int, error) {
	p, ok := w.(*Process)
	if !ok {
		return 0, fmt.Errorf("no process of its own")
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

// growth plays a row in a process of its own, and says what it grew by from
// when it had done its first tasks.
func growth(t *testing.T, row Row) (v Verdict, base, grown int) {
	t.Helper()
	faults, play := row.Plan, row.Play
	row.Plan = nil
	row.Play = func(ctx context.Context, r *Run) (err error) {
		if err := r.AwaitCompleted(ctx, row.Tasks); err != nil {
			return err
		}
		if base, err = peak(r.Worker()); err != nil {
			return err
		}
		r.Ledger.SetFaults(faults)
		if play != nil {
			if err := play(ctx, r); err != nil {
				return err
			}
		}
		r.Load(row.Tasks)
		if err := r.Await(ctx); err != nil {
			return err
		}
		most, err := peak(r.Worker())
		grown = most - base
		return err
	}
	v = holdIn(t, row, built(t).Start)
	t.Logf("%.1f MiB, and %.1f MiB more", float64(base)/mebi, float64(grown)/mebi)
	return v, base, grown
}

func TestFloodsFillNoMemory(t *testing.T) {
	t.Parallel()
	row := Floods()
	v, _, grown := growth(t, row)
	noneLost(t, v)
	if grown > 64*mebi {
		t.Errorf("it grew by %d MiB", grown/mebi)
	}
}

// Tasks of 3 MiB, more of them than an answer may hold: the answer is refused,
// then they are asked for one at a time, and what the inputs cost is bounded by
// the slots.
func TestLargeTasks(t *testing.T) {
	t.Parallel()
	key := keyRing()[1]
	key.mint = nil
	inline, err := json.Marshal(key.Text) // an expression would have the ledger look for more of them
	must(t, err)
	weight := json.RawMessage(`"` + strings.Repeat("x", 3*mebi) + `"`)
	heavy := func(s *conductortest.TaskSpec) {
		var input map[string]json.RawMessage
		must(t, json.Unmarshal(s.Template, &input))
		input["weight"], input["privateKey"] = weight, inline
		raw, err := json.Marshal(input)
		must(t, err)
		s.Template, s.Input = nil, raw
	}
	v := holdWith(t, Row{
		Number: 16, Stage: Options{Lease: 10 * time.Second, Down: true},
		Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "16", "GOMEMLIMIT": "100MiB", "CONDUCTOR_JWT_SECRET_INJECTION": "key"},
		Play: func(ctx context.Context, r *Run) error {
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
			most, err := peak(r.Worker())
			t.Logf("%d MiB at the most", most/mebi)
			if most > 150*mebi {
				t.Errorf("%d MiB", most/mebi)
			}
			return err
		},
	}, []Key{key}, built(t).Start)
	if v.TakenBack == 0 {
		t.Error("no answer was too large: there was no fault")
	}
}

// descriptors is what a worker that is to run out of them is given.
const descriptors = 24

// A worker without descriptors backs off, and goes on when it has some.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	limited := built(t, "/bin/sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, descriptors), "sh")
	v := holdIn(t, Row{
		Number: 27, Tasks: 100, Stage: Options{Lease: 3 * time.Second},
		Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "50", "CONDUCTOR_JWT_POLLERS": "10"},
		Play: func(ctx context.Context, r *Run) error {
			base, err := Probe(ctx, r.Worker())
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
			r.Healed()
			return err
		},
	}, limited.Start)
	if n := lines(v.Log, "too many open files"); n == 0 {
		t.Error("it had descriptors enough: there was no fault")
	}
}

// exhaust opens connections to the worker's own port until it has no more.
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
