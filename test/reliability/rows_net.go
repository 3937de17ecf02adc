package reliability

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"conductor-jwt/test/conductortest"
)

// behind puts a Middle before the server, and gives it to the row by m.
func behind(m **Middle) func(server string) (string, func(), error) {
	return func(server string) (string, func(), error) {
		u, err := url.Parse(server)
		if err != nil {
			return "", nil, fmt.Errorf("reliability: %w", err)
		}
		middle, err := NewMiddle(context.Background(), u.Host)
		if err != nil {
			return "", nil, err
		}
		*m = middle
		u.Host = middle.Addr()
		return u.String(), middle.Close, nil
	}
}

// HalfOpen is row 25: in the middle of its work the worker's connections, and
// all that it makes for 3 s, are with a peer that is no longer there.
func HalfOpen() Row {
	var m *Middle
	return Row{
		Promise: Promise{Redelivers: true},
		Number:  25, Fault: "half-open peer: every connection falls silent", Tasks: 150,
		Stage: Options{Lease: 20 * time.Second, Behind: behind(&m)},
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 30); err != nil {
				return err
			}
			m.Freeze()
			if err := conductortest.Pause(ctx, 3*time.Second); err != nil {
				return err
			}
			r.Healed()
			m.Thaw()
			return nil
		},
	}
}

// Resets breaks every connection ten times, at any moment.
func Resets() Row {
	var m *Middle
	return Row{
		Promise: Promise{Redelivers: true},
		Number:  3, Fault: "every connection reset, ten times", Tasks: 100,
		Stage: Options{Lease: 3 * time.Second, Behind: behind(&m)},
		Play: func(ctx context.Context, r *Run) error {
			for range 10 {
				r.Load(20)
				if err := r.AwaitCalls(ctx, "update", 10); err != nil {
					return err
				}
				m.Reset()
			}
			r.Healed()
			return nil
		},
	}
}

// CutShort ends connections in the middle of the answers to polls.
func CutShort() Row {
	var m *Middle
	return Row{
		Promise: Promise{Redelivers: true},
		Number:  11, Fault: "connections cut in the middle of an answer", Tasks: 100,
		Stage: Options{Lease: 3 * time.Second, Behind: behind(&m)},
		Play: func(ctx context.Context, r *Run) error {
			for n := int64(1000); n < 12000; n += 1000 {
				m.Cut(n)
				m.Reset()
				if err := r.AwaitCalls(ctx, "poll", 2); err != nil {
					return err
				}
			}
			m.Cut(0)
			m.Reset()
			r.Healed()
			return nil
		},
	}
}

// Slow is a server that takes its time with everything.
func Slow() Row {
	return Row{
		Number: 10, Fault: "every answer takes 300 ms", Tasks: 60,
		Plan: conductortest.Plan(1, conductortest.Rule{Fault: conductortest.Fault{Delay: 300 * time.Millisecond}}),
	}
}
