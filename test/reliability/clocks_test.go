package reliability

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// settableClock is a clock that can be set while the worker runs.
type settableClock struct{ offset atomic.Int64 }

func (j *settableClock) now() time.Time { return time.Now().Add(time.Duration(j.offset.Load())) }

// timesOf returns the iat and exp of the token in an output.
func timesOf(t *testing.T, output []byte) (iat, exp time.Time) {
	t.Helper()
	token, err := TokenOf(output)
	must(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	must(t, err)
	var claims struct{ Iat, Exp int64 }
	must(t, json.Unmarshal(raw, &claims))
	return time.Unix(claims.Iat, 0), time.Unix(claims.Exp, 0)
}

// A clock that is set changes the tokens' iat and exp and nothing else: polls
// and leases use the monotonic clock.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	clock := &settableClock{}
	jumps := []time.Duration{-time.Hour, time.Hour, 24 * time.Hour, -24 * time.Hour, 0}
	offsets := map[string]time.Duration{} // the clock's offset when a task was enqueued
	v := runRowIn(t, Row{
		Number: 15, Tasks: 0,
		Steps: func(ctx context.Context, r *Run) error {
			for i, jump := range jumps {
				clock.offset.Store(int64(jump))
				for range 20 {
					offsets[r.Enqueue(nil)] = jump
				}
				if err := r.AwaitCompleted(ctx, 20*(i+1)); err != nil {
					return err
				}
			}
			return nil
		},
	}, startInProcess(clock.now))
	wantNoneLost(t, v)
	for _, task := range v.Ledger.Tasks() {
		iat, exp := timesOf(t, task.Output)
		if exp.Sub(iat) != 5*time.Minute {
			t.Errorf("%s: exp is %s after iat, want 5 minutes", task.ID, exp.Sub(iat))
		}
		if off := task.Ended.Add(offsets[task.ID]).Sub(iat); off < -2*time.Second || off > time.Minute {
			t.Errorf("%s: iat is %s before the worker's clock, want between -2 s and 1 minute", task.ID, off)
		}
	}
}

// panickingClock is a clock that panics, with a key as the value, when a
// function of the given package calls it, until left is 0.
type panickingClock struct {
	in   string
	left atomic.Int32
}

func (e *panickingClock) now() time.Time {
	if e.left.Load() > 0 && e.calledFromPackage() && e.left.Add(-1) >= 0 {
		panic(keyRing()[0].Text)
	}
	return time.Now()
}

func (e *panickingClock) calledFromPackage() bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, e.in) {
			return true
		}
		if !more {
			return false
		}
	}
}

// A panic fails one task, which the server retries. The worker keeps running,
// and the panic's value, here a key, is printed nowhere.
func TestPanics(t *testing.T) {
	t.Parallel()
	for what, where := range map[string]string{"in the handler": "conductor-jwt/task.", "in the client": "conductor-jwt/conductor."} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			clock := &panickingClock{in: where}
			v, err := Row{
				Number: 26, Tasks: 40, Options: Options{Auth: true},
				Steps: func(ctx context.Context, r *Run) error {
					if err := r.AwaitCompleted(ctx, 5); err != nil {
						return err
					}
					clock.left.Store(10)
					r.Server.Rotate() // the worker must fetch a new token
					r.Load(20)
					return nil
				},
			}.Run(t.Context(), keyRing(), startInProcess(clock.now))
			if err != nil || v.Completed != v.Tasks || v.LedgerErr != nil || v.TokenErr != nil || v.Status != 0 {
				t.Errorf("the verdict is %s; error: %v", v, err)
			}
			wantNoLeaks(t, v)
			if clock.left.Load() > 0 {
				t.Errorf("%d panics did not happen", clock.left.Load())
			}
		})
	}
}

// The metric reports the server's clock skew at each response, one log line
// reports it, and tasks complete by the worker's clock.
func TestClockSkewIsReported(t *testing.T) {
	t.Parallel()
	var off atomic.Int64
	const line = "the clocks of the server and of this worker do not agree"
	v := runRowIn(t, Row{
		Number: 15, Tasks: 5, Options: Options{Proxy: SkewDate(&off)},
		Steps: func(ctx context.Context, r *Run) error {
			for _, want := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 0} {
				off.Store(int64(want))
				var wrong error
				err := eventually(ctx, fmt.Sprintf("a skew of %s", want), func() bool {
					var got float64
					got, wrong = gauge(ctx, r.Worker(), "conductor_jwt_clock_skew_seconds")
					return wrong != nil || math.Abs(got-want.Seconds()) < 30
				})
				if err = errors.Join(err, wrong); err != nil {
					return err
				}
				r.Load(5)
			}
			return nil
		},
	}, builtWorker(t).Start)
	wantNoneLost(t, v)
	if n := lines(v.Log, line); n != 1 {
		t.Errorf("%d lines about the clocks, want one", n)
	}
	// Within a second: 599, 600 or 601.
	if !regexp.MustCompile(`"server_ahead_seconds":(59|60)\d\b`).MatchString(v.Log) {
		t.Error("the line does not hold the difference")
	}
}
