package reliability

import (
	"context"
	"net/http"
	"time"

	"conductor-jwt/test/conductortest"
)

// DownAtStart is row 1.
func DownAtStart() Row {
	return Row{
		Number: 1, Fault: "server down at start, up 2 s later", Tasks: 20, Options: Options{Down: true},
		Steps: func(ctx context.Context, r *Run) error {
			if err := conductortest.Pause(ctx, 2*time.Second); err != nil {
				return err
			}
			r.FaultEnded()
			return r.Up(ctx)
		},
	}
}

// Restart is row 2.
func Restart() Row {
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  2, Fault: "server restarted under load, port closed for 5 s", Tasks: 400, Options: Options{Lease: 15 * time.Second},
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 50); err != nil {
				return err
			}
			r.Server.Down()
			if err := conductortest.Pause(ctx, 5*time.Second); err != nil {
				return err
			}
			r.FaultEnded()
			return r.Up(ctx)
		},
	}
}

// first returns a plan that applies each fault to n calls of a name.
func first(n int, call string, faults ...conductortest.Fault) conductortest.Faults {
	var rules []conductortest.Rule
	for _, f := range faults {
		rules = append(rules, conductortest.Rule{Call: call, Times: n, Fault: f})
	}
	return conductortest.Plan(1, rules...)
}

// ResetDuringUpdate is row 3.
func ResetDuringUpdate() Row {
	return Row{
		Number: 3, Fault: "TCP reset during an update", Tasks: 60,
		Plan: first(20, "update", conductortest.Fault{Wire: conductortest.WireReset}, conductortest.Fault{Wire: conductortest.WireReset, Lost: true}),
	}
}

// LostResponse is row 4.
func LostResponse() Row {
	return Row{
		Number: 4, Fault: "answer lost after the update was applied", Tasks: 60,
		Plan: first(20, "update", conductortest.Fault{Lost: true}),
	}
}

// Rotation is row 5.
func Rotation() Row {
	return Row{
		Number: 5, Fault: "401 under load: the token is rotated 20 times", Tasks: 20, Options: Options{Auth: true},
		Steps: func(ctx context.Context, r *Run) error {
			for range 20 {
				r.Server.Rotate()
				r.Load(20)
				if err := r.AwaitCalls(ctx, "update", 10); err != nil {
					return err
				}
			}
			r.FaultEnded()
			return nil
		},
	}
}

// Forbidden is row 6.
func Forbidden() Row {
	return Row{
		Promise: Promise{MaxCalls: 16}, // one a second of each poller
		Number:  6, Fault: "403 for 8 s", Tasks: 20, Options: Options{Auth: true},
		Steps: func(ctx context.Context, r *Run) error {
			r.Server.Forbid(true)
			if err := conductortest.Pause(ctx, 8*time.Second); err != nil {
				return err
			}
			r.FaultEnded()
			r.Server.Forbid(false)
			return nil
		},
	}
}

// Throttled is row 7.
func Throttled() Row {
	var polls, updates []conductortest.Fault
	for _, after := range []string{"1", "0", "-3", "soon", "1.5", "", "Thu, 01 Jan 1970 00:00:00 GMT"} {
		polls = append(polls, conductortest.Fault{Status: http.StatusTooManyRequests, RetryAfter: after})
		updates = append(updates, conductortest.Fault{Status: http.StatusServiceUnavailable, RetryAfter: after})
	}
	p, u := first(1, "poll", polls...), first(2, "update", updates...)
	return Row{
		Number: 7, Fault: "429 and 503 with Retry-After: seconds, zero, negative, a date, words", Tasks: 60,
		Plan: func(c conductortest.Call) conductortest.Fault {
			if c.Name == "poll" {
				return p(c)
			}
			return u(c)
		},
	}
}

// ErrorPages is row 8.
func ErrorPages() Row {
	var rules []conductortest.Rule
	for _, status := range []int{500, 502, 504, 200} {
		f := conductortest.Fault{Status: status, Wire: conductortest.WireHTML}
		if status == http.StatusOK {
			f.Status = 0
		}
		for _, call := range []string{"poll", "update"} {
			rules = append(rules, conductortest.Rule{Call: call, Times: 8, Chance: 0.5, Fault: f})
		}
	}
	return Row{Number: 8, Fault: "500, 502, 504 and 200 with an HTML page", Tasks: 100, Plan: conductortest.Plan(8, rules...)}
}

// RefusedUpdates is row 9.
func RefusedUpdates() Row {
	refused := map[string]int{"t1": 400, "t2": 404, "t3": 409, "t4": 413}
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  9, Fault: "an update answered 400, 404, 409 or 413", Tasks: 20, Options: Options{Lease: 6 * time.Second},
		Plan: func(c conductortest.Call) conductortest.Fault {
			if c.Name == "update" {
				return conductortest.Fault{Status: refused[c.TaskID]}
			}
			return conductortest.Fault{}
		},
	}
}
