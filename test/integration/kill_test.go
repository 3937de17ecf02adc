package integration_test

import (
	"context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
)

// killedTaskDef takes a task back after two seconds; the worker's own does
// after thirty.
const killedTaskDef = `{"name":"get_signed_jwt_killed","retryCount":50,"retryLogic":"FIXED","retryDelaySeconds":0,
	"responseTimeoutSeconds":2,"timeoutSeconds":0,"timeoutPolicy":"RETRY"}`

// killRounds is how often a worker is killed; docs/compatibility.md tells of a
// run with 50. killSeed repeats the moments of another run.
var (
	killRounds = flag.Int("kill-rounds", 5, "how often to kill a worker under load")
	killSeed   = flag.Uint64("kill-seed", 0, "the seed of the moments at which it is killed; 0 is a fresh one")
)

// A worker that is killed can give nothing back. The response timeout of the
// task definition does.
func TestKilledWorkersLoseNoWorkflow(t *testing.T) {
	underLoad(t)
	shared.checkKills(t, *killRounds)
}

// checkKills kills one worker after the other, each amid a batch of workflows.
func (s *stage) checkKills(t *testing.T, rounds int) {
	t.Helper()
	const domain, batch = "kill", 15
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds)*20*time.Second+5*time.Minute)
	defer cancel()
	if err := s.server.RegisterTaskDef(ctx, json.RawMessage(killedTaskDef)); err != nil {
		t.Fatal(err)
	}
	random := seeded(t)
	r := numbered(t, domain, "get_signed_jwt_killed")
	var ids []string
	held, round := 0, 0
	// A kill that met no task proves nothing, so there may be some more.
	for ; round < rounds || held == 0 && round < rounds+10; round++ {
		more := s.killOne(ctx, t, domain, time.Duration(random.IntN(500))*time.Millisecond, batch,
			func(i int) model.StartWorkflowRequest { return r(len(ids) + i) })
		held += s.countHeld(ctx, t, more)
		ids = append(ids, more...)
	}
	s.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain)
	deciding, stop := context.WithCancel(ctx)
	go s.decideAll(deciding, ids)
	workflows, err := s.awaitAll(ctx, ids, r)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	again := 0
	for _, w := range workflows {
		again += len(w.Tasks) - 1
	}
	if held == 0 || again == 0 {
		t.Errorf("%d killed workers had %d tasks in flight and %d were delivered again, want some", round, held, again)
	}
	// The server also hands tasks to the poll of one that is dead, for as long
	// as that poll would have waited.
	t.Logf("%d workflows; %d killed workers had %d tasks in flight when they died; %d were delivered again in all", len(ids), round, held, again)
}

// countHeld counts the tasks that nobody works on any more and that the server
// believes to be worked on.
func (s *stage) countHeld(ctx context.Context, t *testing.T, ids []string) (held int) {
	t.Helper()
	for _, id := range ids {
		w, err := s.server.Workflow(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Tasks) > 0 && w.Tasks[len(w.Tasks)-1].Status == "IN_PROGRESS" {
			held++
		}
	}
	return held
}

// seeded gives the chance that -kill-seed repeats.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// killOne starts a worker and, while it works on a new batch, kills it after
// a while.
func (s *stage) killOne(ctx context.Context, t *testing.T, domain string, after time.Duration, n int, r func(int) model.StartWorkflowRequest) []string {
	t.Helper()
	w := s.readyWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain) //nolint:contextcheck // it lives as long as the test, not as ctx
	timer := time.AfterFunc(after, w.Kill)
	defer timer.Stop()
	ids, err := s.startMany(ctx, n, r)
	if err != nil {
		t.Fatal(err)
	}
	<-w.Done()
	return ids
}

// decideAll asks the server, every second until ctx is done, to look at
// workflows whose tasks may have timed out. It does so by itself, but on busy
// SQLite it may lose a workflow from its round for up to two minutes. Whether
// a task is taken back still hangs on its response timeout.
func (s *stage) decideAll(ctx context.Context, ids []string) {
	for {
		for _, id := range ids {
			// One that has ended needs no decision, and the test sees the rest.
			_ = s.server.Decide(ctx, id)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}
