package reliability

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// kills is how often a worker is killed; CONTRIBUTING.md has the long way.
var kills = flag.Int("kills", 15, "rounds of kill -9")

func TestTermUnderLoad(t *testing.T) {
	t.Parallel()
	v := hold(t, TermUnderLoad())
	noneLost(t, v)
	for _, e := range v.Endings {
		if e.Status != 0 || e.Left != 0 || e.Took > 25*time.Second {
			t.Errorf("it ended with status %d after %s and left %d tasks", e.Status, e.Took, e.Left)
		}
	}
}

// What it could not report is left to the server, and the status says so.
func TestTermWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	v := hold(t, TermWithoutServer())
	if e := v.Endings[0]; e.Status != 1 || e.Left == 0 || e.Took > 25*time.Second {
		t.Errorf("it ended with status %d after %s and left %d tasks; want 1, and some", e.Status, e.Took, e.Left)
	}
	if n := lines(v.Log, "tasks in flight could be neither reported nor given back"); n != 1 {
		t.Errorf("%d lines about what was left, want one", n)
	}
	if v.TakenBack == 0 {
		t.Error("nothing was taken back: there was no fault")
	}
}

func TestKilledWorkersLoseNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("%d rounds, seed %d", *kills, seed)
	v := holdIn(t, Kills(*kills, seed), built(t).Start)
	if v.TakenBack == 0 {
		t.Error("nothing was taken back: no worker was killed at work")
	}
	t.Logf("%d of %d tasks were done by two workers", v.Again, v.Tasks)
}

// Of a task that is delivered while it is in hand, the second delivery is
// suppressed; two workers both sign, and the server takes the first token.
func TestDuplicateDeliveries(t *testing.T) {
	t.Parallel()
	v, err := Duplicates().Run(t.Context(), keyRing(), inside(time.Now))
	if err != nil || v.Completed != v.Tasks || v.Wrong != nil {
		t.Errorf("%v; %s", err, v)
	}
	fit(t, v)
	applied := map[string]int{}
	for _, u := range v.Ledger.Updates() {
		if u.Effect == conductortest.Applied {
			applied[u.Result.TaskID]++
		}
	}
	for id, n := range applied {
		if n != 1 {
			t.Errorf("%d results of %s took effect", n, id)
		}
	}
	noneLost(t, v)
	if lines(v.Log, "delivered again while in flight") == 0 {
		t.Error("nothing was delivered while in flight: there was no fault")
	}
}
