package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"golang.org/x/sync/errgroup"

	"conductor-jwt/bench/stub"
	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductorjar"
)

// testbed is a server with the documented workflow.
type testbed struct {
	store    string
	server   *conductorjar.Server
	postgres *conductorjar.Postgres // nil on SQLite
	workflow string
}

func start(ctx context.Context, store string) (*testbed, error) {
	key, _, err := stub.NewKey("RS256")
	if err != nil {
		return nil, err
	}
	s := &testbed{store: store}
	o := conductorjar.Options{
		Env:     os.Environ(), //nolint:forbidigo // to find Java and Maven
		Secrets: map[string]secret.Text{"jwt-privatekey": secret.New(key)},
	}
	if store == postgres {
		if s.postgres, err = conductorjar.StartPostgres(ctx, o.Setup, nil); err != nil {
			return nil, err
		}
		o.Postgres = s.postgres
	}
	if s.server, err = conductorjar.Start(ctx, o); err != nil {
		s.stop(ctx)
		return nil, err
	}
	if err := s.register(ctx); err != nil {
		s.stop(ctx)
		return nil, err
	}
	return s, nil
}

func (s *testbed) stop(ctx context.Context) {
	if s.server != nil {
		_ = s.server.Stop(ctx) // the measurement is complete
	}
	if s.postgres != nil {
		_ = s.postgres.Stop(ctx) // as above
	}
}

func (s *testbed) register(ctx context.Context) error {
	definition, err := os.ReadFile("deploy/conductor/workflow.json")
	if err != nil {
		return err
	}
	var named struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(definition, &named); err != nil {
		return err
	}
	s.workflow = named.Name
	defs, err := os.ReadFile("deploy/conductor/taskdefs.json")
	if err != nil {
		return err
	}
	var each []json.RawMessage
	if err := json.Unmarshal(defs, &each); err != nil {
		return err
	}
	for _, def := range each {
		if err := s.server.RegisterTaskDef(ctx, def); err != nil {
			return err
		}
	}
	return s.server.RegisterWorkflow(ctx, definition)
}

// execute starts one execution and returns its ID.
func (s *testbed) execute(ctx context.Context) (string, error) {
	return s.server.StartWorkflow(ctx, model.StartWorkflowRequest{Name: s.workflow, Input: map[string]string{
		"subject": "alice", "issuer": "https://issuer.example", "audience": "https://api.example", "scope": "orders:read",
	}})
}

// queue starts n executions, four at a time.
func (s *testbed) queue(ctx context.Context, n int) error {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(4)
	for range n {
		all.Go(func() error {
			_, err := s.execute(ctx)
			return err
		})
	}
	return all.Wait()
}

// worker is a worker process and its output.
type worker struct {
	command *exec.Cmd
	output  bytes.Buffer
}

func (b *bench) launch(ctx context.Context, s *testbed, slots, pollers, once int) (*worker, error) {
	args := []string{
		"worker", "--server-url", s.server.URL + "/api", "--listen", "127.0.0.1:0", "--register-taskdefs", "off",
		"--log-level", "warn", "--slots", strconv.Itoa(slots), "--pollers", strconv.Itoa(pollers),
	}
	if once > 0 {
		args = append(args, "--once", strconv.Itoa(once))
	}
	w := &worker{command: exec.CommandContext(ctx, b.worker, args...)} //nolint:gosec // the caller's own binary
	w.command.Stdout, w.command.Stderr = &w.output, &w.output
	if err := w.command.Start(); err != nil {
		return nil, err
	}
	return w, nil
}

// end waits for a worker that was started with --once.
func (w *worker) end() error {
	if err := w.command.Wait(); err != nil {
		return fmt.Errorf("the worker: %w\n%.2000s", err, w.output.Bytes())
	}
	return nil
}

func (w *worker) kill() {
	_ = w.command.Process.Kill() // fails only if it has ended
	_ = w.command.Wait()         // its status is that of the kill
}
