package integration_test

import (
	"context"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// The worker's token expires while it works: it gets another one, once for all
// its requests, and no task notices.
func TestExpiredTokensCostNoTask(t *testing.T) {
	underLoad(t)
	const domain, rotations, each = "expired", 3, 15
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	f := newFront(t, shared.url())
	f.rotate()
	w := shared.readyWorker(t, append(f.env(), "CONDUCTOR_JWT_DOMAIN="+domain)...)
	r := numbered(t, domain, "get_signed_jwt")
	l := shared.load(ctx, t, fails, r)
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
		t.Errorf("%d answers were 401, want one or more for each of %d rotations", seen.unauthorized, rotations)
	}
	if seen.granted != 1+rotations {
		t.Errorf("%d tokens were granted for a start and %d rotations, want one for each", seen.granted, rotations)
	}
	canary := conductortest.NewCanary()
	canary.PlantText("the credentials", f.keySecret)
	canary.PlantText("the token", f.token)
	canary.Check(t, "the worker's log", []byte(w.log.String()))
}

// What the worker may not do now it may do later: it neither ends nor storms.
func TestForbiddenWorkerWaitsForItsRights(t *testing.T) {
	underLoad(t)
	const domain, n = "forbidden", 10
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	f := newFront(t, shared.url())
	f.rotate()
	f.set(func() { f.forbidden = true })
	w := shared.extraWorker(t, append(f.env(), "CONDUCTOR_JWT_DOMAIN="+domain)...)
	began := time.Now()
	r := numbered(t, domain, "get_signed_jwt")
	ids, err := shared.startMany(ctx, n, r)
	if err != nil {
		t.Fatal(err)
	}
	err = poll(ctx, 50*time.Millisecond, func() (bool, error) { return f.count().forbidden >= 6, nil })
	if err != nil {
		t.Fatalf("%d answers were 403, then none: the worker has given up\n%s", f.count().forbidden, w.log.Lines(10))
	}
	// Two polls and a definition ask at once; then each poll waits for about
	// five seconds, so the sixth answer takes more than a second. Slowness makes
	// it longer, never shorter.
	if took := time.Since(began); took < time.Second {
		t.Errorf("six requests in %s are a storm", took)
	}
	f.set(func() { f.forbidden = false })
	workflows, err := shared.awaitAll(ctx, ids, r)
	if err != nil {
		t.Fatal(err)
	}
	checkTokens(t, workflows)
	checkNoRetry(t, workflows)
	if seen := f.count(); seen.granted != 1 {
		t.Errorf("%d tokens were granted, want one: another one gives no rights", seen.granted)
	}
}
