package reliability

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
)

func TestServerDownAtStart(t *testing.T) {
	t.Parallel()
	row := DownAtStart()
	play := row.Play
	row.Play = func(ctx context.Context, r *Run) error {
		if err := alive(ctx, r.Worker(), 503); err != nil {
			return err
		}
		if err := play(ctx, r); err != nil {
			return err
		}
		if err := r.AwaitCompleted(ctx, 1); err != nil {
			return err
		}
		return alive(ctx, r.Worker(), 200)
	}
	v := hold(t, row)
	noneLost(t, v)
	if v.Recovered > 5*time.Second {
		t.Errorf("the first poll came %s after the server", v.Recovered)
	}
	if n := lines(v.Log, "a call to the server failed"); n != 1 {
		t.Errorf("%d lines about the outage, want one", n)
	}
}

func TestServerRestart(t *testing.T) {
	t.Parallel()
	v := hold(t, Restart())
	resultsKept(t, v)
}

func TestResetDuringUpdate(t *testing.T) {
	t.Parallel()
	v := hold(t, ResetDuringUpdate())
	noneLost(t, v)
	if v.Repeated == 0 {
		t.Error("no update was repeated: there was no fault")
	}
}

func TestAnswerLostAfterTheUpdateWasApplied(t *testing.T) {
	t.Parallel()
	v := hold(t, LostAnswer())
	noneLost(t, v)
	if v.Repeated == 0 {
		t.Error("no update was repeated: there was no fault")
	}
}

func TestTokenRotationUnderLoad(t *testing.T) {
	t.Parallel()
	row := Rotation()
	play := row.Play
	granted := 0
	row.Play = func(ctx context.Context, r *Run) error {
		defer func() { granted = r.Server.Granted() }()
		return play(ctx, r)
	}
	v := hold(t, row)
	noneLost(t, v)
	// One for the start, and one for all that found out about each rotation.
	if granted > 21 {
		t.Errorf("%d tokens were asked for, for 20 rotations", granted)
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	row := Forbidden()
	play := row.Play
	calls, pollers := 0, 2
	row.Play = func(ctx context.Context, r *Run) error {
		defer func() { calls = r.Ledger.Calls("poll") }()
		return play(ctx, r)
	}
	v := hold(t, row)
	noneLost(t, v)
	// In 8 s each poller asks at the start and after 5 s.
	if calls > 2*pollers {
		t.Errorf("%d polls in 8 s", calls)
	}
	if n := lines(v.Log, "a call to the server failed"); n != 1 {
		t.Errorf("%d lines about it, want one", n)
	}
}

func TestRetryAfterOfEveryKind(t *testing.T) {
	t.Parallel()
	noneLost(t, hold(t, Throttled()))
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	noneLost(t, hold(t, ErrorPages()))
}

// resultsKept holds that results were repeated until they were taken. A lease
// of a few seconds is over before its time where a machine is busy with other
// things, and the task comes again: one in ten is chance, more is a habit.
func resultsKept(t *testing.T, v Verdict) {
	t.Helper()
	if n := lines(v.Log, "the server did not accept the task's result"); n > v.Tasks/10 {
		t.Errorf("%d results of %d tasks were given up", n, v.Tasks)
	}
}

// A refused update is said once: the task comes back by its response timeout.
func TestRefusedUpdatesAreNotRepeated(t *testing.T) {
	t.Parallel()
	v := hold(t, Refusals())
	if v.TakenBack != 4 {
		t.Errorf("%d tasks were taken back, want the 4 whose updates were refused", v.TakenBack)
	}
	if n := v.Ledger.Calls("update"); n != v.Tasks+4 {
		t.Errorf("%d updates of %d tasks, want one more for each of 4 refused", n, v.Tasks)
	}
	if n := lines(v.Log, `"end":"refused"`); n != 3 {
		t.Errorf("%d lines about refused results, want 3", n)
	}
	if n := lines(v.Log, `"end":"gone"`); n != 1 {
		t.Errorf("%d lines about a task that is gone, want 1", n)
	}
}

func TestSlowAndEndlessAnswers(t *testing.T) {
	t.Parallel()
	noneLost(t, hold(t, SlowAnswers()))
}

// A broken answer to a poll may hold leased tasks; those come back.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	v := hold(t, BrokenAnswers())
	resultsKept(t, v)
}

func TestFloods(t *testing.T) {
	t.Parallel()
	v := hold(t, Floods())
	noneLost(t, v)
}

func TestOneBadTaskAmongFifty(t *testing.T) {
	t.Parallel()
	row := OneBadTask()
	v, err := row.Run(t.Context(), keyRing(), inside(time.Now))
	if err != nil || v.Broken != nil || v.Wrong != nil {
		t.Errorf("%v; %s", err, v)
	}
	fit(t, v)
	noneLost(t, v)
	for _, task := range v.Ledger.Tasks() {
		if task.Status != api.Completed && task.Status != api.FailedWithTerminalError {
			t.Errorf("%s is %s", task.ID, task.Status)
		}
	}
	if v.Failed != 2 || v.Completed != 48 {
		t.Errorf("%s", v)
	}
}

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

// Tasks that are odd in every way a server can send them harm none of those
// beside them: the good ones are done, the bad ones are ended for good, and
// none of them is left to the response timeout.
func TestOddTasksAmongGoodOnes(t *testing.T) {
	t.Parallel()
	inputs := map[string]string{
		"null":                       `null`,
		"empty":                      `{}`,
		"a list":                     `[1,2]`,
		"a text":                     `"privateKey"`,
		"a subject that is a number": `{"subject":7,"algorithm":"ES256","privateKey":"x"}`,
		"a key that is an object":    `{"subject":"s","algorithm":"ES256","privateKey":{"a":1}}`,
		"a ttl that is a list":       `{"subject":"s","algorithm":"ES256","privateKey":"x","ttlInSecond":[300]}`,
		"a number beyond all":        `{"subject":"s","algorithm":"ES256","privateKey":"x","ttlInSecond":1e400}`,
	}
	odd := map[string]string{}
	v, err := Row{
		Number: 13, Tasks: 42, Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "50"}, Stage: Options{Down: true},
		Promise: Promise{Fails: len(inputs)},
		Play: func(ctx context.Context, r *Run) error {
			for what, input := range inputs {
				odd[r.Enqueue(func(s *conductortest.TaskSpec) { s.Template, s.Input = nil, json.RawMessage(input) })] = what
			}
			return r.Up(ctx)
		},
	}.Run(t.Context(), keyRing(), inside(time.Now))
	if err != nil || v.Broken != nil || v.Wrong != nil || len(v.Unkept) > 0 {
		t.Errorf("%v; %s; %q", err, v, v.Unkept)
	}
	fit(t, v)
	noneLost(t, v)
	for _, task := range v.Ledger.Tasks() {
		want := conductortest.Completed
		if odd[task.First] != "" {
			want = conductortest.Terminal
		}
		if task.Status != want {
			t.Errorf("%s (%s) is %s, want %s", task.ID, odd[task.First], task.Status, want)
		}
	}
}

func TestHalfOpenPeer(t *testing.T) {
	t.Parallel()
	v := hold(t, HalfOpen())
	resultsKept(t, v)
}

func TestResetConnections(t *testing.T) {
	t.Parallel()
	v := hold(t, Resets())
	resultsKept(t, v)
}

func TestConnectionsCutInTheMiddle(t *testing.T) {
	t.Parallel()
	v := hold(t, CutShort())
	resultsKept(t, v)
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	noneLost(t, hold(t, Slow()))
}
