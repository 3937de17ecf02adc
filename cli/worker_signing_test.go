package cli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/keyring"
	"conductor-jwt/task"
)

// signingWithout returns a signing without a policy.
func signingWithout(t *testing.T, drain time.Duration) *signing {
	t.Helper()
	ring, err := keyring.New(t.Context(), keyring.Options{Now: time.Now}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &signing{c: &config.Loaded{}, log: slog.New(slog.DiscardHandler), reloads: newReloadMetrics(time.Now())}
	s.c.DrainTimeout = drain
	s.current.Store(&generation{ring: ring})
	return s
}

// A call of a key store's module may never return.
func TestTheEndWaitsNoLongerThanTheDrainTimeout(t *testing.T) {
	for _, c := range []struct {
		name        string
		drain, want time.Duration
	}{
		{"a second for what hangs", 25 * time.Second, maxEndWait},
		{"no longer than the drain timeout", 100 * time.Millisecond, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := signingWithout(t, c.drain)
				end := s.run(t.Context(), nil)
				hangs := make(chan struct{})
				s.running.Go(func() { <-hangs })
				began := time.Now()
				end()
				if took := time.Since(began); took != c.want {
					t.Errorf("the end took %s, want %s", took, c.want)
				}
				close(hangs)
			})
		})
	}
}

// After a second signal, or a drain that abandoned tasks, a handler may still sign.
func TestTheAuditTakesTheLastSignature(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	s := signingWithout(t, time.Second)
	s.c.Audit = path
	var err error
	if s.audit, err = openAudit(t.Context(), Env{}, s.c, s.log); err != nil {
		t.Fatal(err)
	}
	s.run(t.Context(), nil)()
	s.audit.write(task.Decision{Allowed: true, TaskID: "the-last-one"})
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "the-last-one") {
		t.Errorf("%q, %v", text, err)
	}
}

// panicking is a handler that fails in an unexpected way.
type panicking struct{}

// Handle implements [worker.Handler].
func (panicking) Handle(context.Context, api.Task) task.Outcome { panic("canary") }

func TestAPanicOfATaskShowsNoValue(t *testing.T) {
	out := handle(t.Context(), panicking{}, api.Task{})
	if out.Status != api.Failed || !strings.HasPrefix(out.Reason, "internal: ") || strings.Contains(out.Reason, "canary") {
		t.Errorf("%s: %s", out.Status, out.Reason)
	}
}
