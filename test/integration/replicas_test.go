package integration_test

import (
	"context"
	"testing"
	"time"
)

// Three replicas share a queue: each task is signed by one of them, once, and
// none of them idles.
func TestReplicasShareAQueue(t *testing.T) {
	underLoad(t)
	shared.checkReplicas(t)
}

func (s *stage) checkReplicas(t *testing.T) {
	t.Helper()
	const domain, replicas, n = "replicas", 3, 120
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var workers []*workerProcess
	for range replicas {
		workers = append(workers, s.readyWorker(t, "CONDUCTOR_JWT_DOMAIN="+domain, quickToStop))
	}
	r := numbered(t, domain, "get_signed_jwt")
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
			t.Errorf("replica %d signed %d of %d, want its share", i, signed, n)
		}
		sum += signed
	}
	if sum != n {
		t.Errorf("%d tokens were signed for %d workflows, want one for each", sum, n)
	}
	for i, w := range workers {
		if err := w.Stop(ctx); err != nil {
			t.Errorf("replica %d ends with %v, want status 0\n%s", i, err, w.log.Lines(10))
		}
	}
}
