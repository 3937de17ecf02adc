package integration_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/conductorjar"
	"conductor-jwt/internal/conductorjar/child"
)

// outageTaskDef leaves a worker the time to deliver its results after a
// restart of the server.
const outageTaskDef = `{"name":"get_signed_jwt_outage","retryCount":5,"retryLogic":"FIXED","retryDelaySeconds":0,
	"responseTimeoutSeconds":10,"timeoutSeconds":0,"timeoutPolicy":"RETRY"}`

// A worker may be there before its server, outlive it, and be told to end
// while it is away.
func TestWorkerOutlivesItsServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
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
	r := numbered(t, "", "get_signed_jwt_outage")
	ids, err := own.startMany(ctx, 40, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := own.server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if status, err := statusOf(ctx, w.url+"/readyz"); status != http.StatusOK || err != nil {
		t.Errorf("readyz during the outage = %d, %v; want 200: no worker is better off", status, err)
	}

	own.start(ctx, t, o)
	more, err := own.startMany(ctx, 5, func(i int) conductorjar.StartRequest { return r(len(ids) + i) })
	if err != nil {
		t.Fatal(err)
	}
	ids = append(ids, more...)
	deciding, stop := context.WithCancel(ctx)
	go own.decideAll(deciding, ids)
	workflows, err := own.awaitAll(ctx, ids, r)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)

	if err := own.server.Kill(); err != nil {
		t.Fatal(err)
	}
	// It holds no task, so it loses none.
	if err := w.Stop(ctx); err != nil {
		t.Errorf("a worker without work or server ends with %v, want status 0\n%s", err, w.log.Lines(10))
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
	server, err := conductorjar.Start(ctx, o)
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
