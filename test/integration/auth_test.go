package integration_test

import (
	"context"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// When its access token expires, the worker requests one new token for all its
// calls, and no task is lost or retried.
func TestExpiredTokensLoseNoTask(t *testing.T) {
	withExclusiveLoad(t)
	const domain, rotations, each = "expired", 3, 15
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	f := newAuthProxy(t, shared.url())
	f.rotate()
	w := shared.readyWorker(t, append(f.env(), "CONDUCTOR_JWT_DOMAIN="+domain)...)
	r := numberedRequests(t, domain, "get_signed_jwt")
	l := shared.load(ctx, t, noRetries, r)
	for range rotations {
		l.more(ctx, t, each)
		f.rotate()
	}
	l.more(ctx, t, each)
	workflows, err := shared.awaitAll(ctx, l.end(t), r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	checkNoRetry(t, workflows)
	seen := f.count()
	if seen.unauthorized < rotations {
		t.Errorf("%d responses were 401, want one or more for each of %d rotations", seen.unauthorized, rotations)
	}
	if seen.granted != 1+rotations {
		t.Errorf("%d tokens were granted for the start and %d rotations, want one for each", seen.granted, rotations)
	}
	canary := conductortest.NewCanary()
	canary.PlantText("the credentials", f.keySecret)
	canary.PlantText("the token", f.token)
	canary.Check(t, "the worker's log", []byte(w.log.String()))
}

// A worker that gets 403 retries with backoff, and works when it gets the rights.
func TestForbiddenWorkerRetriesWithBackoff(t *testing.T) {
	withExclusiveLoad(t)
	const domain, n = "forbidden", 10
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	f := newAuthProxy(t, shared.url())
	f.rotate()
	f.set(func() { f.forbidden = true })
	w := shared.extraWorker(t, append(f.env(), "CONDUCTOR_JWT_DOMAIN="+domain, "CONDUCTOR_JWT_POLLERS=2")...)
	began := time.Now()
	r := numberedRequests(t, domain, "get_signed_jwt")
	ids, err := shared.startMany(ctx, n, r)
	if err != nil {
		t.Fatal(err)
	}
	err = poll(ctx, 50*time.Millisecond, func() (bool, error) { return f.count().forbidden >= 6, nil })
	if err != nil {
		t.Fatalf("%d responses were 403, want 6: the worker stopped polling\n%s", f.count().forbidden, w.log.Lines(10))
	}
	// Two polls and a definition are requested at once. Then each poller waits for
	// about five seconds, so the sixth response takes more than a second. A busy
	// machine makes it longer, never shorter.
	if took := time.Since(began); took < time.Second {
		t.Errorf("six requests in %s, want at least 1 s", took)
	}
	f.set(func() { f.forbidden = false })
	workflows, err := shared.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	checkNoRetry(t, workflows)
	if seen := f.count(); seen.granted != 1 {
		t.Errorf("%d tokens were granted, want 1: another token does not give more rights", seen.granted)
	}
}
