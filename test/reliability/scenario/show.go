package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"conductor-jwt/test/conductortest"
	"conductor-jwt/test/reliability"
)

// show is the worker and its server.
type show struct {
	stage   *reliability.Stage
	folder  string
	worker  reliability.Worker
	metrics string
	off     atomic.Int64 // of the server's clock
}

func open(ctx context.Context, program string) (*show, error) {
	keys, err := reliability.NewKeys()
	if err != nil {
		return nil, err
	}
	s := &show{}
	if s.folder, err = os.MkdirTemp("", "scenario-"); err != nil {
		return nil, err
	}
	if s.stage, err = reliability.NewStage(ctx, reliability.Options{Lease: 2 * time.Second, Behind: s.clock}, keys); err == nil {
		err = s.start(ctx, program, keys[0].Text)
	}
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// clock is a proxy in front of a server whose clock is off, by its Date
// header (RFC 9110 §6.6.1).
func (s *show) clock(server string) (address string, end func(), err error) {
	target, err := url.Parse(server)
	if err != nil {
		return "", nil, err
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(time.Duration(s.off.Load())).UTC().Format(http.TimeFormat))
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0), // a worker that ends drops its polls
	})
	return front.URL, front.Close, nil
}

const policy = `
keys:
  billing: {source: "file://%s", publish: true}
grants:
  - {use: [billing], workflows: ["*"], issuers: ["https://billing.example.com"], audiences: ["https://api.example.com"]}
`

// start starts the worker and waits until it has polled.
func (s *show) start(ctx context.Context, program, key string) error {
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
	s.worker, err = start(s.stage.Env(map[string]string{
		"CONDUCTOR_JWT_TASK_TYPES": reliability.TaskType + "," + billing,
		"CONDUCTOR_JWT_POLICY":     policyFile,
		"CONDUCTOR_JWT_SLOTS":      "2",
	}))
	if err != nil {
		return err
	}
	base, err := reliability.Probe(ctx, s.worker)
	s.metrics = base + "/metrics"
	if err != nil {
		return err
	}
	return s.stage.AwaitCalls(ctx, "poll", 4)
}

func (s *show) idle(ctx context.Context) error { return s.stage.AwaitCalls(ctx, "poll", 8) }

// close ends the worker and removes what it was given.
func (s *show) close(ctx context.Context) {
	if s.worker != nil {
		s.worker.Signal(syscall.SIGTERM)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := s.worker.Wait(ctx); err != nil {
			s.worker.Signal(os.Kill)
		}
	}
	if s.stage != nil {
		s.stage.Close()
	}
	_ = os.RemoveAll(s.folder) //nolint:gosec // a temporary folder of ours
}

// calm takes the faults away and waits until no poll is under way that has one.
func (s *show) calm(ctx context.Context, next conductortest.Faults) error {
	s.stage.Ledger.SetFaults(next)
	return s.stage.AwaitCalls(ctx, "poll", 8)
}
