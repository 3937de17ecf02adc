package integration_test

import (
	"context"
	"testing"
	"time"
)

// Three replicas share a queue: each task is signed once, and each replica signs
// some.
func TestReplicasShareAQueue(t *testing.T) {
	withExclusiveLoad(t)
	shared.checkReplicas(t)
}

func (s *testbed) checkReplicas(t *testing.T) {
	t.Helper()
	const domain, replicas, n = "replicas", 3, 120
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var workers []*workerProcess
	for range replicas {
		workers = append(workers, s.readyWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain, shortPollTimeout))
	}
	r := numberedRequests(t, domain, "get_signed_jwt")
	ids, err := s.startMany(ctx, n, r)
	if err != nil {
		t.Fatal(err)
	}
	workflows, err := s.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	checkNoRetry(t, workflows)
	sum := 0
	for i, w := range workers {
		signed := w.signed(ctx, t)
		t.Logf("replica %d signed %d", i, signed)
		if signed < n/20 {
			t.Errorf("replica %d signed %d of %d, want at least a twentieth", i, signed, n)
		}
		sum += signed
	}
	if sum != n {
		t.Errorf("%d tokens were signed for %d workflows, want one for each", sum, n)
	}
	for i, w := range workers {
		if err := w.Stop(ctx); err != nil {
			t.Errorf("replica %d exits with %v, want status 0\n%s", i, err, w.log.Lines(10))
		}
	}
}

// Workers of one version are replaced by those of the next, one at a time, each
// when its successor is ready.
func TestRollingUpgradeUnderLoad(t *testing.T) {
	withExclusiveLoad(t)
	const domain, replicas, each = "upgrade", 3, 20
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	before, after := shared.version(ctx, t, "1.0.0"), shared.version(ctx, t, "1.1.0")
	var old []*workerProcess
	for range replicas {
		old = append(old, before.readyWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain, shortPollTimeout))
	}
	r := numberedRequests(t, domain, "get_signed_jwt")
	l := shared.load(ctx, t, noRetries, r)
	var signed [2]int
	var next []*workerProcess
	for _, w := range old {
		next = append(next, after.readyWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain, shortPollTimeout))
		l.more(ctx, t, each)
		checkVersion(ctx, t, w, "1.0.0")
		signed[0] += w.signed(ctx, t)
		if err := w.Stop(ctx); err != nil {
			t.Fatalf("a worker of the old version exits with %v, want status 0\n%s", err, w.log.Lines(10))
		}
	}
	l.more(ctx, t, each)
	ids := l.end(t)
	workflows, err := shared.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	checkNoRetry(t, workflows)
	for _, w := range next {
		checkVersion(ctx, t, w, "1.1.0")
		signed[1] += w.signed(ctx, t)
	}
	if signed[0] == 0 || signed[1] == 0 {
		t.Errorf("the old version signed %d, the new one %d; want some from both", signed[0], signed[1])
	}
	t.Logf("%d workflows; the old version signed %d before its signals, the new one %d", len(ids), signed[0], signed[1])
}

// version returns a testbed whose worker is built with a version.
func (s *testbed) version(ctx context.Context, t *testing.T, version string) *testbed {
	t.Helper()
	binary, err := s.build(ctx, ".", "-trimpath", "-ldflags=-s -w -X main.version="+version)
	if err != nil {
		t.Fatal(err)
	}
	return s.withBinary(binary)
}

func checkVersion(ctx context.Context, t *testing.T, w *workerProcess, want string) {
	t.Helper()
	if w.metric(ctx, t, "conductor_jwt_build_info", `version="`+want+`"`) != 1 {
		t.Errorf("conductor_jwt_build_info does not have version %s", want)
	}
}
