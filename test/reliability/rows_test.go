package reliability

import (
	"context"
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
