package reliability

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

var randomFor = flag.Duration("random", 15*time.Second, "duration of the random faults")

// gauge reads a metric without labels.
func gauge(ctx context.Context, w Worker, name string) (float64, error) {
	base, err := BaseURL(ctx, w)
	if err != nil {
		return 0, err
	}
	_, page, err := conductortest.Get(ctx, base+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(page, "\n") {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, fmt.Errorf("the metrics have no %s", name)
}

// inFlight returns the number of tasks in flight, -1 if it is unknown.
func inFlight(ctx context.Context, w Worker) int {
	base, err := BaseURL(ctx, w)
	if err != nil {
		return -1
	}
	_, page, err := conductortest.Get(ctx, base+"/readyz?verbose")
	var ready struct {
		Details struct {
			Tasks *int `json:"tasksInFlight"`
		} `json:"details"`
	}
	if err != nil || json.Unmarshal([]byte(page), &ready) != nil || ready.Details.Tasks == nil {
		return -1
	}
	return *ready.Details.Tasks
}

// No task is lost, and afterwards the worker uses no more resources than before.
func TestRandomFaults(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("%s, seed %d", *randomFor, seed)
	row := RandomFaults(*randomFor, seed)
	steps := row.Steps
	row.Steps = func(ctx context.Context, r *Run) error {
		if err := r.AwaitCompleted(ctx, row.Tasks); err != nil {
			return err
		}
		// Leaks too slow for a test of a minute show in bench/soak.
		slack := map[string]float64{"go_goroutines": 16, "process_open_fds": 16, "process_resident_memory_bytes": 64 << 20}
		base := map[string]float64{}
		for name := range slack {
			n, err := gauge(ctx, r.Worker(), name)
			if err != nil {
				return err
			}
			base[name] = n
		}
		if err := steps(ctx, r); err != nil {
			return err
		}
		if err := r.Await(ctx); err != nil {
			return err
		}
		// An update that hangs ends a second after its lease at most, when the server
		// has long delivered the task again. A worker that is stopped before that
		// reports the delivery as left, with status 1.
		if err := eventually(ctx, "no task is in flight", func() bool { return inFlight(ctx, r.Worker()) == 0 }); err != nil {
			return err
		}
		for name, more := range slack {
			last := 0.0
			err := eventually(ctx, name+" is back to its value before", func() bool {
				n, err := gauge(ctx, r.Worker(), name)
				last = n
				return err == nil && n <= base[name]+more
			})
			t.Logf("%s: %.0f before, %.0f after", name, base[name], last)
			if err != nil {
				return err
			}
		}
		return nil
	}
	runRowIn(t, row, builtWorker(t).Start)
}
