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

// shortTimeoutTaskDef has a response timeout of 2 s; the one that the worker
// registers has 30 s.
const shortTimeoutTaskDef = `{"name":"get_signed_jwt_killed","retryCount":50,"retryLogic":"FIXED","retryDelaySeconds":0,
	"responseTimeoutSeconds":2,"timeoutSeconds":0,"timeoutPolicy":"RETRY"}`

// docs/evidence/compatibility.md reports a run with 50 rounds.
var (
	killRounds = flag.Int("kill-rounds", 5, "how many workers to kill under load")
	killSeed   = flag.Uint64("kill-seed", 0, "seed of the times of the kills; 0 is random")
)

// The tasks in flight of a killed worker time out and are redelivered.
func TestKilledWorkersLoseNoWorkflow(t *testing.T) {
	withExclusiveLoad(t)
	shared.checkKills(t, *killRounds)
}

// checkKills kills workers one after the other, each during a batch of workflows.
func (s *testbed) checkKills(t *testing.T, rounds int) {
	t.Helper()
	const domain, batch = "kill", 15
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds)*20*time.Second+5*time.Minute)
	defer cancel()
	if err := s.server.RegisterTaskDef(ctx, json.RawMessage(shortTimeoutTaskDef)); err != nil {
		t.Fatal(err)
	}
	random := randomMoments(t)
	r := numberedRequests(t, domain, "get_signed_jwt_killed")
	var ids []string
	held, round := 0, 0
	// A kill without a task in flight proves nothing, so there may be more rounds.
	for ; round < rounds || held == 0 && round < rounds+10; round++ {
		more := s.startAndKill(ctx, t, domain, time.Duration(random.IntN(500))*time.Millisecond, batch,
			func(i int) model.StartWorkflowRequest { return r(len(ids) + i) })
		held += s.countInProgress(ctx, t, more)
		ids = append(ids, more...)
	}
	s.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain)
	evaluating, stop := context.WithCancel(ctx)
	go s.evaluateAll(evaluating, ids)
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
		t.Errorf("%d killed workers had %d tasks in flight and %d were redelivered, want some", round, held, again)
	}
	// The server also leases tasks to the poll of a killed worker until the poll's
	// timeout, so more are redelivered than were in flight.
	t.Logf("%d workflows; %d killed workers had %d tasks in flight; %d were redelivered in all", len(ids), round, held, again)
}

// countInProgress counts the workflows whose last task is IN_PROGRESS.
func (s *testbed) countInProgress(ctx context.Context, t *testing.T, ids []string) (held int) {
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

// randomMoments returns a random source with the seed -kill-seed.
func randomMoments(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// startAndKill starts a worker and a batch of workflows, and kills the worker
// after the given time.
func (s *testbed) startAndKill(ctx context.Context, t *testing.T, domain string, after time.Duration, n int, r func(int) model.StartWorkflowRequest) []string {
	t.Helper()
	w := s.readyWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain) //nolint:contextcheck // it runs until the test ends, not ctx
	timer := time.AfterFunc(after, w.Kill)
	defer timer.Stop()
	ids, err := s.startMany(ctx, n, r)
	if err != nil {
		t.Fatal(err)
	}
	<-w.Done()
	return ids
}

// evaluateAll makes the server evaluate workflows every second until ctx is done.
// The server does so by itself, but on a busy SQLite it may skip a workflow for up
// to two minutes. A task still times out by its response timeout only.
func (s *testbed) evaluateAll(ctx context.Context, ids []string) {
	for {
		for _, id := range ids {
			_ = s.server.Decide(ctx, id) // fails for a workflow that has ended
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}
