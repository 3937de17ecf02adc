package integration_test

import (
	"context"
	"encoding/json"
	"flag"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"

	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/conductorjar/child"
)

// longTimeoutTaskDef has a response timeout that is longer than a restart of the
// server.
const longTimeoutTaskDef = `{"name":"get_signed_jwt_outage","retryCount":20,"retryLogic":"FIXED","retryDelaySeconds":0,
	"responseTimeoutSeconds":20,"timeoutSeconds":0,"timeoutPolicy":"RETRY"}`

// docs/evidence/compatibility.md reports a run with 5 kills.
var serverKills = flag.Int("server-kills", 1, "how often to kill the server under load")

// A worker starts before its server, survives the server's crashes, and stops
// while the server is down.
func TestWorkerSurvivesServerOutages(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*serverKills)*time.Minute+6*time.Minute)
	defer cancel()
	own := &testbed{folder: t.TempDir(), root: shared.root, binary: shared.binary, keys: shared.keys}
	o, url := own.serverOptions(t)
	w := own.extraWorker(t, "CONDUCTOR_SERVER_URL="+url+"/api", "CONDUCTOR_JWT_DRAIN_TIMEOUT=3s")
	checkAliveNotReady(ctx, t, w)

	own.start(ctx, t, o)
	if err := w.awaitReady(ctx); err != nil {
		t.Fatalf("the worker is not ready although the server is up: %v", err)
	}
	if err := own.server.RegisterTaskDef(ctx, json.RawMessage(longTimeoutTaskDef)); err != nil {
		t.Fatal(err)
	}
	own.checkServerKills(ctx, t, o, w)

	if err := own.server.Kill(); err != nil {
		t.Fatal(err)
	}
	// It has no task in flight, so it exits with 0.
	if err := w.Stop(ctx); err != nil {
		t.Errorf("a worker without a task or a server exits with %v, want status 0\n%s", err, w.log.Lines(10))
	}
}

// checkServerKills kills the server under load and restarts it with the same
// data. The first time, another worker that cannot report its results is stopped
// while the server is down.
func (s *testbed) checkServerKills(ctx context.Context, t *testing.T, o conductorjar.Options, w *workerProcess) {
	t.Helper()
	r := numberedRequests(t, "", "get_signed_jwt_outage")
	l := s.load(ctx, t, retries, r)
	l.more(ctx, t, 30)
	blocked, held := s.startUnreported(ctx, t)
	for range *serverKills {
		if err := s.server.Kill(); err != nil {
			t.Fatal(err)
		}
		if status, err := statusOf(ctx, w.url+"/readyz"); status != http.StatusOK || err != nil {
			t.Errorf("readyz during the outage = %d, %v; want 200", status, err)
		}
		if blocked != nil {
			checkDrainWithoutServer(ctx, t, blocked, len(held.ids))
			blocked = nil
		}
		s.start(ctx, t, o)
		l.more(ctx, t, 30)
	}
	s.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+held.domain) //nolint:contextcheck // it runs until the test ends, not ctx
	ids := l.end(t)
	s.awaitOutage(ctx, t, ids, r)
	// A killed server may lose the record of a delivery, and then redeliver the
	// same attempt before the response timeout.
	timedOut := 0
	for i, one := range s.awaitOutage(ctx, t, held.ids, held.request) {
		switch first := one.Tasks[0].Status; {
		case first == "TIMED_OUT" && len(one.Tasks) > 1:
			timedOut++
		case first != "COMPLETED" || len(one.Tasks) > 1:
			t.Errorf("workflow %d of the stopped worker has %d attempts, the first %s", i, len(one.Tasks), first)
		}
	}
	if timedOut == 0 {
		t.Error("no task of the stopped worker timed out")
	}
}

// awaitOutage checks that all workflows complete, each with its own token.
func (s *testbed) awaitOutage(ctx context.Context, t *testing.T, ids []string, r func(i int) model.StartWorkflowRequest) []conductorjar.Workflow {
	t.Helper()
	evaluating, stop := context.WithCancel(ctx)
	defer stop()
	go s.evaluateAll(evaluating, ids)
	workflows, err := s.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	again := 0
	for _, one := range workflows {
		again += len(one.Tasks) - 1
	}
	t.Logf("%d workflows, %d tasks redelivered", len(ids), again)
	return workflows
}

// unreportedResults are workflows whose tasks a worker has signed and cannot
// report.
type unreportedResults struct {
	domain  string
	ids     []string
	request func(i int) model.StartWorkflowRequest
}

func (s *testbed) startUnreported(ctx context.Context, t *testing.T) (*workerProcess, unreportedResults) {
	t.Helper()
	const n = 5
	held := unreportedResults{domain: "held", request: numberedRequests(t, "held", "get_signed_jwt_outage")}
	f := newAuthProxy(t, s.url())
	f.set(func() { f.cut = true })
	w := s.readyWorker(t, "CONDUCTOR_SERVER_URL="+f.url+"/api", "CONDUCTOR_JWT_DOMAIN="+held.domain, //nolint:contextcheck // it runs until the test ends, not ctx
		shortPollTimeout, "CONDUCTOR_JWT_SLOTS=8", "CONDUCTOR_JWT_DRAIN_TIMEOUT=2s")
	var err error
	if held.ids, err = s.startMany(ctx, n, held.request); err != nil {
		t.Fatal(err)
	}
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) { return w.signed(ctx, t) == n, nil })
	if err != nil {
		t.Fatalf("the worker signed %d of %d tasks: %v", w.signed(ctx, t), n, err)
	}
	return w, held
}

// checkDrainWithoutServer stops a worker that can neither report nor give back its
// tasks.
func checkDrainWithoutServer(ctx context.Context, t *testing.T, w *workerProcess, n int) {
	t.Helper()
	if err := w.Stop(ctx); err == nil || w.ExitCode() != 1 {
		t.Errorf("a worker with results and no server exits with %v, want status 1", err)
	}
	if want := strconv.Itoa(n) + " tasks in flight could be neither reported nor given back"; !strings.Contains(w.log.String(), want) {
		t.Errorf("the log does not contain %q:\n%s", want, w.log.Lines(10))
	}
}

// serverOptions returns the options of a server that can be restarted with the
// same data at the same address, and its URL.
func (s *testbed) serverOptions(t *testing.T) (o conductorjar.Options, url string) {
	t.Helper()
	address, err := freeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	o = s.options(child.NewTail(1 << 20))
	o.DB = filepath.Join(s.folder, "conductor.db")
	if o.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	return o, "http://" + address
}

// start starts the server of this testbed.
func (s *testbed) start(ctx context.Context, t *testing.T, o conductorjar.Options) {
	t.Helper()
	exclusive.start.Lock()
	server, err := conductorjar.Start(ctx, o)
	exclusive.start.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
}

func checkAliveNotReady(ctx context.Context, t *testing.T, w *workerProcess) {
	t.Helper()
	err := poll(ctx, 20*time.Millisecond, func() (bool, error) {
		status, _ := statusOf(ctx, w.url+"/livez") // an error means that it does not listen yet
		return status == http.StatusOK, nil
	})
	if err != nil {
		t.Fatalf("/livez is not 200 while the server is down: %v\n%s", err, w.log.Lines(10))
	}
	if status, err := statusOf(ctx, w.url+"/readyz"); status != http.StatusServiceUnavailable || err != nil {
		t.Errorf("readyz without a server = %d, %v; want 503", status, err)
	}
	if n := strings.Count(w.log.String(), "\n"); n > 40 {
		t.Errorf("%d lines of log without a server, want at most 40", n)
	}
}
