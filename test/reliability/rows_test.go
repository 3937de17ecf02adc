package reliability

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

func TestServerDownAtStart(t *testing.T) {
	t.Parallel()
	row := DownAtStart()
	steps := row.Steps
	row.Steps = func(ctx context.Context, r *Run) error {
		if err := checkProbes(ctx, r.Worker(), 503); err != nil {
			return err
		}
		if err := steps(ctx, r); err != nil {
			return err
		}
		if err := r.AwaitCompleted(ctx, 1); err != nil {
			return err
		}
		return checkProbes(ctx, r.Worker(), 200)
	}
	v := runRow(t, row)
	wantNoneLost(t, v)
	if v.FirstPoll > 5*time.Second {
		t.Errorf("the first poll came %s after the server started, want at most 5 s", v.FirstPoll)
	}
	if n := lines(v.Log, "a call to the server failed"); n != 1 {
		t.Errorf("%d lines about the outage, want 1", n)
	}
}

func TestServerRestart(t *testing.T) {
	t.Parallel()
	v := runRow(t, Restart())
	wantFewGivenUp(t, v)
}

func TestResetDuringUpdate(t *testing.T) {
	t.Parallel()
	v := runRow(t, ResetDuringUpdate())
	wantNoneLost(t, v)
	if v.RepeatedUpdates == 0 {
		t.Error("no update was repeated: there was no fault")
	}
}

func TestResponseLostAfterTheUpdateWasApplied(t *testing.T) {
	t.Parallel()
	v := runRow(t, LostResponse())
	wantNoneLost(t, v)
	if v.RepeatedUpdates == 0 {
		t.Error("no update was repeated: there was no fault")
	}
}

func TestTokenRotationUnderLoad(t *testing.T) {
	t.Parallel()
	row := Rotation()
	steps := row.Steps
	granted := 0
	row.Steps = func(ctx context.Context, r *Run) error {
		defer func() { granted = r.Server.Granted() }()
		return steps(ctx, r)
	}
	v := runRow(t, row)
	wantNoneLost(t, v)
	// One at the start and one after each rotation, shared by all calls.
	if granted > 21 {
		t.Errorf("%d token requests for 20 rotations, want at most 21", granted)
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	row := Forbidden()
	steps := row.Steps
	calls, pollers := 0, 4
	row.Steps = func(ctx context.Context, r *Run) error {
		defer func() { calls = r.Ledger.Calls("poll") }()
		return steps(ctx, r)
	}
	v := runRow(t, row)
	wantNoneLost(t, v)
	// In 8 s each poller polls at the start and after 5 s.
	if calls > 2*pollers {
		t.Errorf("%d polls in 8 s, want at most %d", calls, 2*pollers)
	}
	if n := lines(v.Log, "a call to the server failed"); n != 1 {
		t.Errorf("%d lines about it, want one", n)
	}
}

func TestRetryAfterOfEveryKind(t *testing.T) {
	t.Parallel()
	wantNoneLost(t, runRow(t, Throttled()))
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	wantNoneLost(t, runRow(t, ErrorPages()))
}

// wantFewGivenUp checks that results were retried until the server accepted
// them. On a busy machine a lease of a few seconds may end before that, so one
// result in ten may be given up.
func wantFewGivenUp(t *testing.T, v Verdict) {
	t.Helper()
	if n := lines(v.Log, "the server did not accept the task's result"); n > v.Tasks/10 {
		t.Errorf("%d results of %d tasks were given up, want at most one in ten", n, v.Tasks)
	}
}

// A refused update is not retried: the task times out and is redelivered.
func TestRefusedUpdatesAreNotRepeated(t *testing.T) {
	t.Parallel()
	v := runRow(t, RefusedUpdates())
	if v.TimedOut != 4 {
		t.Errorf("%d tasks timed out, want the 4 whose updates were refused", v.TimedOut)
	}
	if n := v.Ledger.Calls("update"); n != v.Tasks+4 {
		t.Errorf("%d updates of %d tasks, want one more for each of the 4 refused", n, v.Tasks)
	}
	if n := lines(v.Log, `"end":"refused"`); n != 3 {
		t.Errorf("%d lines about refused results, want 3", n)
	}
	if n := lines(v.Log, `"end":"gone"`); n != 1 {
		t.Errorf("%d lines about a task unknown to the server, want 1", n)
	}
}

func TestSlowAndEndlessResponses(t *testing.T) {
	t.Parallel()
	wantNoneLost(t, runRow(t, SlowResponses()))
}

// A broken response to a poll may hold leased tasks; those are redelivered.
func TestBrokenResponses(t *testing.T) {
	t.Parallel()
	v := runRow(t, BrokenResponses())
	wantFewGivenUp(t, v)
}

func TestOversizedResponses(t *testing.T) {
	t.Parallel()
	v := runRow(t, OversizedResponses())
	wantNoneLost(t, v)
}

func TestOneBadTaskAmongFifty(t *testing.T) {
	t.Parallel()
	row := OneBadTask()
	v, err := row.Run(t.Context(), keyRing(), startInProcess(time.Now))
	if err != nil || v.LedgerErr != nil || v.TokenErr != nil {
		t.Errorf("the verdict is %s; error: %v", v, err)
	}
	checkWorker(t, v)
	wantNoneLost(t, v)
	for _, task := range v.Ledger.Tasks() {
		if task.Status != api.Completed && task.Status != api.FailedWithTerminalError {
			t.Errorf("%s is %s, want COMPLETED or FAILED_WITH_TERMINAL_ERROR", task.ID, task.Status)
		}
	}
	if v.Failed != 2 || v.Completed != 48 {
		t.Errorf("%s; want 48 completed and 2 failed", v)
	}
}

// With wrong credentials the worker backs off, logs one line and does not exit.
// It works as soon as the server accepts them.
func TestWrongCredentialsAreRetriedWithBackoff(t *testing.T) {
	t.Parallel()
	row := Forbidden()
	row.Number, row.Fault, row.Promise = 6, "", Promise{}
	row.Env = map[string]string{"CONDUCTOR_AUTH_SECRET": "not-the-secret-of-the-matrix"}
	tokens, faulted := 0, 0
	row.Tasks = 0
	row.Steps = func(ctx context.Context, r *Run) error {
		if err := r.AwaitCalls(ctx, "token", 1); err != nil {
			return err
		}
		if err := conductortest.Pause(ctx, 8*time.Second); err != nil {
			return err
		}
		tokens, faulted = r.Ledger.Calls("token"), r.Ledger.Calls("poll")
		return checkProbes(ctx, r.Worker(), 503)
	}
	v := runRow(t, row)
	// 100 ms doubling to 5 s, for each of two pollers and the registration.
	if tokens > 40 || faulted > 0 {
		t.Errorf("%d token requests and %d polls in 8 s, want at most 40 and 0", tokens, faulted)
	}
	if n := lines(v.Log, "a call to the server failed"); n != 1 {
		t.Errorf("%d lines about it, want one", n)
	}
	if strings.Contains(v.Log, "not-the-secret-of-the-matrix") {
		t.Error("the log holds the secret")
	}
}

// Invalid tasks do not affect valid ones: the valid ones complete, the invalid
// ones fail with a terminal error, and none is left to the response timeout.
func TestInvalidTasksAmongValidOnes(t *testing.T) {
	t.Parallel()
	inputs := map[string]string{
		"null":                       `null`,
		"empty":                      `{}`,
		"a list":                     `[1,2]`,
		"a text":                     `"privateKey"`,
		"a subject that is a number": `{"subject":7,"algorithm":"ES256","privateKey":"x"}`,
		"a key that is an object":    `{"subject":"s","algorithm":"ES256","privateKey":{"a":1}}`,
		"a ttl that is a list":       `{"subject":"s","algorithm":"ES256","privateKey":"x","ttlInSecond":[300]}`,
		"a number out of range":      `{"subject":"s","algorithm":"ES256","privateKey":"x","ttlInSecond":1e400}`,
	}
	invalid := map[string]string{}
	v, err := Row{
		Number: 13, Tasks: 42, Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "50"}, Options: Options{Down: true},
		Promise: Promise{MaxFailed: len(inputs)},
		Steps: func(ctx context.Context, r *Run) error {
			for what, input := range inputs {
				invalid[r.Enqueue(func(s *conductortest.TaskSpec) { s.Template, s.Input = nil, json.RawMessage(input) })] = what
			}
			return r.Up(ctx)
		},
	}.Run(t.Context(), keyRing(), startInProcess(time.Now))
	if err != nil || v.LedgerErr != nil || v.TokenErr != nil || len(v.Violations) > 0 {
		t.Errorf("the verdict is %s; violations: %q; error: %v", v, v.Violations, err)
	}
	checkWorker(t, v)
	wantNoneLost(t, v)
	for _, task := range v.Ledger.Tasks() {
		want := api.Completed
		if invalid[task.First] != "" {
			want = api.FailedWithTerminalError
		}
		if task.Status != want {
			t.Errorf("%s (%s) is %s, want %s", task.ID, invalid[task.First], task.Status, want)
		}
	}
}

func TestHalfOpenPeer(t *testing.T) {
	t.Parallel()
	v := runRow(t, HalfOpen())
	wantFewGivenUp(t, v)
}

func TestResetConnections(t *testing.T) {
	t.Parallel()
	v := runRow(t, Resets())
	wantFewGivenUp(t, v)
}

func TestConnectionsClosedWithinAResponse(t *testing.T) {
	t.Parallel()
	v := runRow(t, CutConnections())
	wantFewGivenUp(t, v)
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	wantNoneLost(t, runRow(t, SlowServer()))
}
