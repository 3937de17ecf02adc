package reliability

import (
	"context"
	"strings"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// Wrong credentials are no reason to hurry, nor to end: they are asked about
// seldom and told of once, and work as soon as the server takes them.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	row := Forbidden()
	row.Number, row.Fault, row.Promise = 6, "", Promise{}
	row.Env = map[string]string{"CONDUCTOR_AUTH_SECRET": "not-the-secret-of-the-matrix"}
	tokens, faulted := 0, 0
	row.Tasks = 0
	row.Play = func(ctx context.Context, r *Run) error {
		if err := r.AwaitCalls(ctx, "token", 1); err != nil {
			return err
		}
		if err := conductortest.Pause(ctx, 8*time.Second); err != nil {
			return err
		}
		tokens, faulted = r.Ledger.Calls("token"), r.Ledger.Calls("poll")
		return alive(ctx, r.Worker(), 503)
	}
	v := hold(t, row)
	// 100 ms doubling to 5 s: each of two pollers, and the registration.
	if tokens > 40 || faulted > 0 {
		t.Errorf("%d tokens were asked for in 8 s, and %d polls came without one", tokens, faulted)
	}
	if n := lines(v.Log, "a call to the server failed"); n != 1 {
		t.Errorf("%d lines about it, want one", n)
	}
	if strings.Contains(v.Log, "not-the-secret-of-the-matrix") {
		t.Error("the log tells the secret")
	}
}
