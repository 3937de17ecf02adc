package reliability

import (
	"context"
	"encoding/json"
	"time"

	"conductor-jwt/test/conductortest"
)

// Rows are the faults that any worker can be put through, in the order of the
// matrix. What has to be done inside a worker's own process, and TLS, are in
// the tests alone.
func Rows(kills int, seed uint64) []Row {
	return []Row{
		DownAtStart(), Restart(), ResetDuringUpdate(), Resets(), LostAnswer(), Rotation(), Forbidden(), Throttled(),
		ErrorPages(), Refusals(), SlowAnswers(), Slow(), BrokenAnswers(), CutShort(), Floods(), OneBadTask(), Duplicates(),
		TermUnderLoad(), TermWithoutServer(), Kills(kills, seed), HalfOpen(),
	}
}

// Panic is row 26 for a worker of an SDK: an algorithm that golang-jwt does not
// know is a nil pointer in its hands, and an exception in PyJWT's.
func Panic() Row {
	const bad = 5
	return Row{
		Promise: Promise{Fails: bad},
		Number:  26, Fault: "the handler panics, on 5 of 40 tasks", Tasks: 35,
		Play: func(_ context.Context, r *Run) error {
			for range bad {
				r.Enqueue(func(s *conductortest.TaskSpec) {
					var input map[string]json.RawMessage
					if json.Unmarshal(s.Template, &input) != nil {
						return
					}
					input["algorithm"] = json.RawMessage(`"XX999"`)
					s.Template, _ = json.Marshal(input) // of what was just read
					s.Definition.Retries = 0
				})
			}
			return nil
		},
	}
}

// Calm is no fault at all: what is counted is held against it.
func Calm() Row {
	return Row{Number: 0, Fault: "none", Tasks: 100, Play: func(ctx context.Context, _ *Run) error { return conductortest.Pause(ctx, time.Second) }}
}
