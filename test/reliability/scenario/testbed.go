package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"conductor-jwt/test/conductortest"
	"conductor-jwt/test/reliability"
)

// scenario is the worker and its server.
type scenario struct {
	testbed *reliability.Testbed
	folder  string
	worker  reliability.Worker
	metrics string
	off     atomic.Int64 // offset of the server's clock, nanoseconds
}

func open(ctx context.Context, program string) (*scenario, error) {
	keys, err := reliability.NewKeys()
	if err != nil {
		return nil, err
	}
	s := &scenario{}
	if s.folder, err = os.MkdirTemp("", "scenario-"); err != nil {
		return nil, err
	}
	options := reliability.Options{Lease: 2 * time.Second, Proxy: reliability.SkewDate(&s.off)} //nolint:contextcheck // the proxy runs until the testbed is closed
	if s.testbed, err = reliability.NewTestbed(ctx, options, keys); err == nil {
		err = s.start(ctx, program, keys[0].Text)
	}
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

const policy = `
keys:
  billing: {source: "file://%s", publish: true}
grants:
  - {use: [billing], workflows: ["*"], issuers: ["https://billing.example.com"], audiences: ["https://api.example.com"]}
`

// start starts the worker and waits until it has polled.
func (s *scenario) start(ctx context.Context, program, key string) error {
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	keyFile, policyFile := filepath.Join(s.folder, "billing.pem"), filepath.Join(s.folder, "policy.yaml")
	for name, text := range map[string]string{keyFile: key, policyFile: fmt.Sprintf(policy, filepath.ToSlash(keyFile))} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	var start reliability.Starter = reliability.Command{Path: program, Args: []string{"worker"}, Dir: s.folder}.Start
	s.worker, err = start(s.testbed.Env(map[string]string{
		"CONDUCTOR_JWT_TASK_TYPES": reliability.TaskType + "," + billing,
		"CONDUCTOR_JWT_POLICY":     policyFile,
		"CONDUCTOR_JWT_SLOTS":      "2",
	}))
	if err != nil {
		return err
	}
	base, err := reliability.BaseURL(ctx, s.worker)
	s.metrics = base + "/metrics"
	if err != nil {
		return err
	}
	return s.testbed.AwaitCalls(ctx, "poll", 4)
}

func (s *scenario) idle(ctx context.Context) error { return s.testbed.AwaitCalls(ctx, "poll", 8) }

// close stops the worker and the server and removes the folder.
func (s *scenario) close(ctx context.Context) {
	if s.worker != nil {
		s.worker.Signal(syscall.SIGTERM)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := s.worker.Wait(ctx); err != nil {
			s.worker.Signal(os.Kill)
		}
	}
	if s.testbed != nil {
		s.testbed.Close()
	}
	_ = os.RemoveAll(s.folder) //nolint:gosec // a temporary folder made here
}

// setFaults replaces the faults and waits until no poll with an earlier fault is
// in flight.
func (s *scenario) setFaults(ctx context.Context, next conductortest.Faults) error {
	s.testbed.Ledger.SetFaults(next)
	return s.testbed.AwaitCalls(ctx, "poll", 8)
}
