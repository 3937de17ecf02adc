package reliability

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"conductor-jwt/test/conductortest"
)

// viaTCPProxy is an [Options.Proxy] that starts a TCPProxy and stores it in m.
func viaTCPProxy(m **TCPProxy) func(server string) (string, func(), error) {
	return func(server string) (string, func(), error) {
		u, err := url.Parse(server)
		if err != nil {
			return "", nil, fmt.Errorf("reliability: %w", err)
		}
		middle, err := NewTCPProxy(context.Background(), u.Host)
		if err != nil {
			return "", nil, err
		}
		*m = middle
		u.Host = middle.Addr()
		return u.String(), middle.Close, nil
	}
}

// HalfOpen is row 25: under load, the worker's connections and all that it opens
// within 3 s stop transferring data.
func HalfOpen() Row {
	var m *TCPProxy
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  25, Fault: "half-open peer: every connection falls silent", Tasks: 150,
		Options: Options{Lease: 20 * time.Second, Proxy: viaTCPProxy(&m)},
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 30); err != nil {
				return err
			}
			m.Freeze()
			if err := conductortest.Pause(ctx, 3*time.Second); err != nil {
				return err
			}
			r.FaultEnded()
			m.Thaw()
			return nil
		},
	}
}

// Resets is row 3b: every connection is reset, ten times.
func Resets() Row {
	var m *TCPProxy
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  3, Fault: "every connection reset, ten times", Tasks: 100,
		Options: Options{Lease: 3 * time.Second, Proxy: viaTCPProxy(&m)},
		Steps: func(ctx context.Context, r *Run) error {
			for range 10 {
				r.Load(20)
				if err := r.AwaitCalls(ctx, "update", 10); err != nil {
					return err
				}
				m.Reset()
			}
			r.FaultEnded()
			return nil
		},
	}
}

// CutConnections is row 11b: connections are closed within the response to a
// poll.
func CutConnections() Row {
	var m *TCPProxy
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  11, Fault: "connections cut in the middle of an answer", Tasks: 100,
		Options: Options{Lease: 3 * time.Second, Proxy: viaTCPProxy(&m)},
		Steps: func(ctx context.Context, r *Run) error {
			for n := int64(1000); n < 12000; n += 1000 {
				m.Cut(n)
				m.Reset()
				if err := r.AwaitCalls(ctx, "poll", 2); err != nil {
					return err
				}
			}
			m.Cut(0)
			m.Reset()
			r.FaultEnded()
			return nil
		},
	}
}

// SlowServer is row 10b.
func SlowServer() Row {
	return Row{
		Number: 10, Fault: "every answer takes 300 ms", Tasks: 60,
		Plan: conductortest.Plan(1, conductortest.Rule{Fault: conductortest.Fault{Delay: 300 * time.Millisecond}}),
	}
}
