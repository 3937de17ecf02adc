package reliability

import (
	"context"
	"encoding/json"
	"time"

	"conductor-jwt/test/conductortest"
)

// Rows returns the faults that any worker can be run through. Faults that need
// the worker in the test's own process, and TLS, are in the tests only.
func Rows(kills int, seed uint64) []Row {
	return []Row{
		DownAtStart(), Restart(), ResetDuringUpdate(), Resets(), LostResponse(), Rotation(), Forbidden(), Throttled(),
		ErrorPages(), RefusedUpdates(), SlowResponses(), SlowServer(), BrokenResponses(), CutConnections(), OversizedResponses(), OneBadTask(), Duplicates(),
		SIGTERMUnderLoad(), SIGTERMWithoutServer(), Kills(kills, seed), HalfOpen(),
	}
}

// Panic is row 26 for a worker of an SDK: an unknown algorithm is a nil pointer
// in golang-jwt and an exception in PyJWT.
func Panic() Row {
	const bad = 5
	return Row{
		Promise: Promise{MaxFailed: bad},
		Number:  26, Fault: "the handler panics, on 5 of 40 tasks", Tasks: 35,
		Steps: func(_ context.Context, r *Run) error {
			for range bad {
				r.Enqueue(func(s *conductortest.TaskSpec) {
					var input map[string]json.RawMessage
					if json.Unmarshal(s.Template, &input) != nil {
						return
					}
					input["algorithm"] = json.RawMessage(`"XX999"`)
					s.Template, _ = json.Marshal(input) // cannot fail: it was just decoded
					s.Definition.Retries = 0
				})
			}
			return nil
		},
	}
}

// NoFault is row 0, the baseline.
func NoFault() Row {
	return Row{Number: 0, Fault: "none", Tasks: 100, Steps: func(ctx context.Context, _ *Run) error { return conductortest.Pause(ctx, time.Second) }}
}
