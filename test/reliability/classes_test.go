package reliability

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/test/conductortest"
)

// classLines returns the log's lines about polls that begin or cease to fail, as
// "begins CLASS" and "ends CLASS".
func classLines(t *testing.T, log string) []string {
	t.Helper()
	var all []string
	for line := range strings.SplitSeq(log, "\n") {
		var entry struct{ Msg, Call, Class, Hint string }
		if json.Unmarshal([]byte(line), &entry) != nil || entry.Call != "poll" {
			continue
		}
		switch entry.Msg {
		case "a call to the server failed":
			all = append(all, "begins "+entry.Class)
			if entry.Hint == "" {
				t.Errorf("the line has no hint: %s", line)
			}
		case "the server answers again":
			all = append(all, "ends "+entry.Class)
		}
	}
	return all
}

// failing returns a plan in which every poll fails with a status.
func failing(status int) conductortest.Faults {
	return conductortest.Plan(1, conductortest.Rule{Call: "poll", Fault: conductortest.Fault{Status: status}})
}

// The log has one line when polls begin to fail, one when the class of the
// failure changes, and one when they succeed again, however many polls failed.
func TestLogHasOneLineForEachFailureClass(t *testing.T) {
	t.Parallel()
	v := runRowIn(t, Row{
		Tasks: 5,
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 5); err != nil {
				return err
			}
			until := func(last string) error {
				return eventually(ctx, last, func() bool {
					all := classLines(t, r.Worker().Log())
					return len(all) > 0 && all[len(all)-1] == last
				})
			}
			for _, failure := range []struct {
				status int
				line   string
			}{{500, "begins server"}, {403, "begins forbidden"}} {
				r.Ledger.SetFaults(failing(failure.status))
				if err := until(failure.line); err != nil {
					return err
				}
			}
			r.Ledger.SetFaults(nil)
			r.Load(5)
			return until("ends forbidden")
		},
	}, builtWorker(t).Start)
	wantNoneLost(t, v)
	// A failure that lasts longer, as on a busy machine, is logged again each half minute.
	got := slices.Compact(classLines(t, v.Log))
	if want := []string{"begins server", "begins forbidden", "ends forbidden"}; !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}
