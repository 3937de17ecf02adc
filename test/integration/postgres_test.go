package integration_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/conductorjar/child"
)

// A production server keeps its data and queues in PostgreSQL. Delivery and
// redelivery depend on the queries of the store, so they are tested here, too.
func TestOnPostgreSQL(t *testing.T) {
	t.Parallel()
	own := &testbed{folder: t.TempDir(), root: shared.root, binary: shared.binary, keys: shared.keys}
	own.startOnPostgres(t)
	worker := own.readyWorker(t)
	t.Run("the demo workflow completes", func(t *testing.T) {
		name, definition, _ := documentedWorkflow(t)
		if err := own.server.RegisterWorkflow(t.Context(), definition); err != nil {
			t.Fatal(err)
		}
		w := own.run(t, model.StartWorkflowRequest{Name: name, Input: object{
			"subject": "alice", "issuer": "https://issuer.example", "audience": "https://api.example", "scope": "orders:read",
		}}, "COMPLETED")
		if got := token(t, w, "get_signed_jwt_ref"); got.claims["sub"] != "alice" || got.claims["scope"] != "orders:read" {
			t.Errorf("claims = %v, want those of the input", got.claims)
		}
	})
	t.Run("an invalid input fails without a retry", func(t *testing.T) {
		task := jwtTask("jwt", object{"privateKey": noSuchSecret})
		w := own.run(t, request(t, definition(t, nil, task), nil), "FAILED")
		checkTerminalFailure(t, lastTask(t, w, "jwt"), "secret_missing", "privateKey")
	})
	t.Run("killed workers lose no workflow", func(t *testing.T) { own.checkKills(t, 2) })
	t.Run("replicas share the queue", own.checkReplicas)
	if err := worker.Stop(t.Context()); err != nil {
		t.Errorf("the worker exits with %v, want status 0\n%s", err, worker.log.Lines(10))
	}
}

// startOnPostgres starts PostgreSQL and a server that uses it; both stop when the
// test ends.
func (s *testbed) startOnPostgres(t *testing.T) {
	t.Helper()
	o := s.options(child.NewTail(1 << 20))
	log := child.NewTail(1 << 20)
	database, err := conductorjar.StartPostgres(t.Context(), conductorjar.Setup{Env: os.Environ(), Progress: o.Progress}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := database.Stop(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the database's log:\n%s", log.Lines(10))
		}
	})
	o.Postgres = database
	s.start(t.Context(), t, o)
}
