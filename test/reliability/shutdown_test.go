package reliability

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

var kills = flag.Int("kills", 15, "rounds of kill -9")

func TestTermUnderLoad(t *testing.T) {
	t.Parallel()
	v := runRow(t, SIGTERMUnderLoad())
	wantNoneLost(t, v)
	for _, e := range v.Exits {
		if e.Status != 0 || e.InProgress != 0 || e.Took > 25*time.Second {
			t.Errorf("status %d after %s with %d tasks in progress, want 0 within 25 s with none", e.Status, e.Took, e.InProgress)
		}
	}
}

// The exit status reports that results were left to the server.
func TestTermWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	v := runRow(t, SIGTERMWithoutServer())
	if e := v.Exits[0]; e.Status != 1 || e.InProgress == 0 || e.Took > 25*time.Second {
		t.Errorf("status %d after %s with %d tasks in progress, want 1 within 25 s with some", e.Status, e.Took, e.InProgress)
	}
	if n := lines(v.Log, "tasks in flight could be neither reported nor given back"); n != 1 {
		t.Errorf("%d lines about the remaining tasks, want 1", n)
	}
	if v.TimedOut == 0 {
		t.Error("no task timed out: there was no fault")
	}
}

func TestKilledWorkersLoseNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("%d rounds, seed %d", *kills, seed)
	v := runRowIn(t, Kills(*kills, seed), builtWorker(t).Start)
	if v.TimedOut == 0 {
		t.Error("no task timed out: no worker was killed under load")
	}
	t.Logf("%d of %d tasks were done by two workers", v.DoneTwice, v.Tasks)
}

// A worker ignores the second delivery of a task in flight. Where two workers
// sign the same task, the server accepts the first token.
func TestDuplicateDeliveries(t *testing.T) {
	t.Parallel()
	v, err := Duplicates().Run(t.Context(), keyRing(), startInProcess(time.Now))
	if err != nil || v.Completed != v.Tasks || v.TokenErr != nil {
		t.Errorf("the verdict is %s; error: %v", v, err)
	}
	checkWorker(t, v)
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
	wantNoneLost(t, v)
	if lines(v.Log, "delivered again while in flight") == 0 {
		t.Error("nothing was delivered while in flight: there was no fault")
	}
}
