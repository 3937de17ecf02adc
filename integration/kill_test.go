package integration_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"conductor-jwt/internal/conductorjar"
)

// killedTaskDef takes a task back after two seconds; the worker's own does
// after thirty.
const killedTaskDef = `{"name":"get_signed_jwt_killed","retryCount":50,"retryLogic":"FIXED","retryDelaySeconds":0,
	"responseTimeoutSeconds":2,"timeoutSeconds":0,"timeoutPolicy":"RETRY"}`

// A worker that is killed can give nothing back. The response timeout of the
// task definition does.
func TestKilledWorkersLoseNoWorkflow(t *testing.T) {
	const domain, batch, rounds = "kill", 15, 8
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := shared.server.RegisterTaskDef(ctx, json.RawMessage(killedTaskDef)); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	r := numbered(t, domain, "get_signed_jwt_killed")
	var ids []string
	for range rounds {
		more := killOne(t, domain, time.Duration(random.IntN(500))*time.Millisecond, batch,
			func(i int) conductorjar.StartRequest { return r(len(ids) + i) })
		ids = append(ids, more...)
	}
	shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain)
	go shared.decideAll(ctx, ids)
	workflows, err := shared.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	hit := 0
	for _, w := range workflows {
		hit += len(w.Tasks) - 1
	}
	if hit == 0 {
		t.Errorf("no task was in the hands of the %d killed workers; the test proves nothing", rounds)
	}
	t.Logf("%d workflows, %d tasks taken back from killed workers", len(ids), hit)
}

// killOne starts a worker and, while it works on a new batch, kills it after
// a while.
func killOne(t *testing.T, domain string, after time.Duration, n int, r func(int) conductorjar.StartRequest) []string {
	t.Helper()
	w := shared.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain)
	timer := time.AfterFunc(after, w.Kill)
	defer timer.Stop()
	ids, err := shared.startMany(t.Context(), n, r)
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
