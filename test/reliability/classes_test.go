package reliability

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/test/conductortest"
)

// classLines are the log's lines about polls that fail and that no longer do,
// as "begins CLASS" and "ends CLASS".
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
				t.Errorf("no word of what to do: %s", line)
			}
		case "the server answers again":
			all = append(all, "ends "+entry.Class)
		}
	}
	return all
}

// failing answers every poll with a status.
func failing(status int) conductortest.Faults {
	return conductortest.Plan(1, conductortest.Rule{Call: "poll", Fault: conductortest.Fault{Status: status}})
}

// A trouble has a line when it begins, the class that it turns into has one,
// and one tells that it is over, however many polls failed meanwhile.
func TestALineForEachClassOfFailure(t *testing.T) {
	t.Parallel()
	v := holdIn(t, Row{
		Tasks: 5,
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 5); err != nil {
				return err
			}
			until := func(last string) error {
				return eventually(ctx, last, func() bool {
					all := classLines(t, r.Worker().Log())
					return len(all) > 0 && all[len(all)-1] == last
				})
			}
			for _, trouble := range []struct {
				status int
				line   string
			}{{500, "begins server"}, {403, "begins forbidden"}} {
				r.Ledger.SetFaults(failing(trouble.status))
				if err := until(trouble.line); err != nil {
					return err
				}
			}
			r.Ledger.SetFaults(nil)
			r.Load(5)
			return until("ends forbidden")
		},
	}, built(t).Start)
	noneLost(t, v)
	// A class that lasts has a line each half minute, as it may on a busy machine.
	got := slices.Compact(classLines(t, v.Log))
	if want := []string{"begins server", "begins forbidden", "ends forbidden"}; !slices.Equal(got, want) {
		t.Errorf("the lines say %q, want %q", got, want)
	}
}
