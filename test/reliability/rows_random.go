package reliability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"conductor-jwt/test/conductortest"
)

// rareFaults returns a plan with every fault of the server, each with a small
// probability.
func rareFaults(seed uint64) conductortest.Faults {
	rarely := func(chance float64, call string, f conductortest.Fault) conductortest.Rule {
		return conductortest.Rule{Call: call, Chance: chance, Fault: f}
	}
	rules := []conductortest.Rule{
		rarely(0.05, "", conductortest.Fault{Delay: 300 * time.Millisecond}),
		rarely(0.01, "", conductortest.Fault{Status: http.StatusInternalServerError}),
		rarely(0.01, "", conductortest.Fault{Status: http.StatusBadGateway, Wire: conductortest.WireHTML}),
		rarely(0.005, "", conductortest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}),
		rarely(0.002, "", conductortest.Fault{Status: http.StatusForbidden}),
		rarely(0.005, "update", conductortest.Fault{Status: http.StatusBadRequest}),
		rarely(0.02, "update", conductortest.Fault{Lost: true}),
		rarely(0.002, "", conductortest.Fault{Wire: conductortest.WireHang}),
		rarely(0.002, "poll", conductortest.Fault{Wire: conductortest.WireBomb}),
	}
	for _, w := range []conductortest.Wire{
		conductortest.WireClose, conductortest.WireReset, conductortest.WireTruncated,
		conductortest.WireShort, conductortest.WireGarbage, conductortest.WireHTML,
	} {
		rules = append(rules, rarely(0.004, "", conductortest.Fault{Wire: w}), rarely(0.004, "", conductortest.Fault{Wire: w, Lost: true}))
	}
	return conductortest.Plan(seed, rules...)
}

// RandomFaults is row 28: tasks arrive at a steady rate while faults of every
// kind occur at random for the given duration.
func RandomFaults(duration time.Duration, seed uint64) Row {
	var m *TCPProxy
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  28, Fault: fmt.Sprintf("faults at random, for %s", duration), Tasks: 40,
		Options: Options{Auth: true, Lease: 5 * time.Second, Proxy: viaTCPProxy(&m)}, Timeout: duration + 3*time.Minute,
		Steps: func(ctx context.Context, r *Run) error {
			random := rand.New(rand.NewPCG(seed, 28)) //nolint:gosec // a seed repeats the run
			r.Ledger.SetFaults(rareFaults(seed))
			for end := time.Now().Add(duration); time.Now().Before(end); {
				r.Load(20)
				if err := conductortest.Pause(ctx, 500*time.Millisecond); err != nil {
					return err
				}
				if err := r.injectFault(ctx, m, random.IntN(10)); err != nil {
					return err
				}
			}
			r.Ledger.SetFaults(nil)
			r.FaultEnded()
			return nil
		},
	}
}

// injectFault causes a fault that affects all calls; numbers above 3 do nothing.
func (r *Run) injectFault(ctx context.Context, m *TCPProxy, which int) error {
	switch which {
	case 0:
		m.Reset()
	case 1:
		r.Server.Rotate()
	case 2:
		r.Server.Down()
		if err := conductortest.Pause(ctx, time.Second); err != nil {
			return err
		}
		return r.Up(ctx)
	case 3:
		m.Freeze()
		err := conductortest.Pause(ctx, 300*time.Millisecond)
		m.Thaw()
		return err
	}
	return nil
}
