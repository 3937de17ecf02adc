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

// outageTaskDef leaves a worker the time to deliver its results after a
// restart of the server.
const outageTaskDef = `{"name":"get_signed_jwt_outage","retryCount":20,"retryLogic":"FIXED","retryDelaySeconds":0,
	"responseTimeoutSeconds":20,"timeoutSeconds":0,"timeoutPolicy":"RETRY"}`

// serverKills is how often the server is killed; docs/compatibility.md tells
// of a run with more.
var serverKills = flag.Int("server-kills", 1, "how often to kill the server under load")

// A worker may be there before its server, outlive its crashes, and be told to
// end while it is away.
func TestWorkerOutlivesItsServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*serverKills)*time.Minute+6*time.Minute)
	defer cancel()
	own := &stage{folder: t.TempDir(), root: shared.root, binary: shared.binary, keys: shared.keys}
	o, url := own.futureServer(t)
	w := own.extraWorker(t, "CONDUCTOR_SERVER_URL="+url+"/api", "CONDUCTOR_JWT_DRAIN_TIMEOUT=3s")
	checkAliveNotReady(ctx, t, w)

	own.start(ctx, t, o)
	if err := w.awaitReady(ctx); err != nil {
		t.Fatalf("the server is there, the worker is not ready: %v", err)
	}
	if err := own.server.RegisterTaskDef(ctx, json.RawMessage(outageTaskDef)); err != nil {
		t.Fatal(err)
	}
	own.checkServerKills(ctx, t, o, w)

	if err := own.server.Kill(); err != nil {
		t.Fatal(err)
	}
	// It holds no task, so it loses none.
	if err := w.Stop(ctx); err != nil {
		t.Errorf("a worker without work or server ends with %v, want status 0\n%s", err, w.log.Lines(10))
	}
}

// checkServerKills kills the server under load and starts it on the same data.
// The first time, another worker has results that nobody takes, and is told to
// end then.
func (s *stage) checkServerKills(ctx context.Context, t *testing.T, o conductorjar.Options, w *workerProcess) {
	t.Helper()
	r := numbered(t, "", "get_signed_jwt_outage")
	l := s.load(ctx, t, insist, r)
	l.more(ctx, t, 30)
	full, held := s.holdResults(ctx, t)
	for range *serverKills {
		if err := s.server.Kill(); err != nil {
			t.Fatal(err)
		}
		if status, err := statusOf(ctx, w.url+"/readyz"); status != http.StatusOK || err != nil {
			t.Errorf("readyz during the outage = %d, %v; want 200: no worker is better off", status, err)
		}
		if full != nil {
			checkDrainWithoutServer(ctx, t, full, len(held.ids))
			full = nil
		}
		s.start(ctx, t, o)
		l.more(ctx, t, 30)
	}
	s.extraWorker(t, "CONDUCTOR_JWT_DOMAIN="+held.domain) //nolint:contextcheck // it lives as long as the test, not as ctx
	ids := l.end(t)
	s.awaitOutage(ctx, t, ids, r)
	// A server that is killed may forget that it had handed out a task, and
	// then deliver the same attempt again, before any response timeout.
	timedOut := 0
	for i, one := range s.awaitOutage(ctx, t, held.ids, held.request) {
		switch first := one.Tasks[0].Status; {
		case first == "TIMED_OUT" && len(one.Tasks) > 1:
			timedOut++
		case first != "COMPLETED" || len(one.Tasks) > 1:
			t.Errorf("number %d of the ended worker: %d attempts, the first %s", i, len(one.Tasks), first)
		}
	}
	if timedOut == 0 {
		t.Error("no task of the ended worker was taken back by its response timeout")
	}
}

// awaitOutage checks that all complete with tokens of their own.
func (s *stage) awaitOutage(ctx context.Context, t *testing.T, ids []string, r func(i int) model.StartWorkflowRequest) []conductorjar.Workflow {
	t.Helper()
	deciding, stop := context.WithCancel(ctx)
	defer stop()
	go s.decideAll(deciding, ids)
	workflows, err := s.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	again := 0
	for _, one := range workflows {
		again += len(one.Tasks) - 1
	}
	t.Logf("%d workflows, %d tasks delivered again", len(ids), again)
	return workflows
}

// heldResults are workflows whose tasks a worker has done and cannot report.
type heldResults struct {
	domain  string
	ids     []string
	request func(i int) model.StartWorkflowRequest
}

func (s *stage) holdResults(ctx context.Context, t *testing.T) (*workerProcess, heldResults) {
	t.Helper()
	const n = 5
	held := heldResults{domain: "held", request: numbered(t, "held", "get_signed_jwt_outage")}
	f := newFront(t, s.url())
	f.set(func() { f.cut = true })
	w := s.readyWorker(t, "CONDUCTOR_SERVER_URL="+f.url+"/api", "CONDUCTOR_JWT_DOMAIN="+held.domain, //nolint:contextcheck // it lives as long as the test, not as ctx
		quickToStop, "CONDUCTOR_JWT_SLOTS=8", "CONDUCTOR_JWT_DRAIN_TIMEOUT=2s")
	var err error
	if held.ids, err = s.startMany(ctx, n, held.request); err != nil {
		t.Fatal(err)
	}
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) { return w.signed(ctx, t) == n, nil })
	if err != nil {
		t.Fatalf("the worker has signed %d of %d: %v", w.signed(ctx, t), n, err)
	}
	return w, held
}

// checkDrainWithoutServer tells a worker to end that can neither report nor
// give back what it has.
func checkDrainWithoutServer(ctx context.Context, t *testing.T, w *workerProcess, n int) {
	t.Helper()
	if err := w.Stop(ctx); err == nil || w.ExitCode() != 1 {
		t.Errorf("a worker with results and no server ends with %v, want status 1", err)
	}
	if want := strconv.Itoa(n) + " tasks in flight could be neither reported nor given back"; !strings.Contains(w.log.String(), want) {
		t.Errorf("the log does not say %q:\n%s", want, w.log.Lines(10))
	}
}

// futureServer is one that can be started again and again, with the same data
// at the same address.
func (s *stage) futureServer(t *testing.T) (o conductorjar.Options, url string) {
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

// start starts the stage's own server, anew after the first time.
func (s *stage) start(ctx context.Context, t *testing.T, o conductorjar.Options) {
	t.Helper()
	turn.start.Lock()
	server, err := conductorjar.Start(ctx, o)
	turn.start.Unlock()
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
		status, _ := statusOf(ctx, w.url+"/livez") // not listening yet
		return status == http.StatusOK, nil
	})
	if err != nil {
		t.Fatalf("the worker does not live without a server: %v\n%s", err, w.log.Lines(10))
	}
	if status, err := statusOf(ctx, w.url+"/readyz"); status != http.StatusServiceUnavailable || err != nil {
		t.Errorf("readyz without a server = %d, %v; want 503", status, err)
	}
	if n := strings.Count(w.log.String(), "\n"); n > 40 {
		t.Errorf("%d lines of log about a missing server, want few", n)
	}
}
