package reliability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"conductor-jwt/test/conductortest"
)

// anything is a plan of the faults that a server can make of itself, each of
// them seldom.
func anything(seed uint64) conductortest.Faults {
	seldom := func(chance float64, call string, f conductortest.Fault) conductortest.Rule {
		return conductortest.Rule{Call: call, Chance: chance, Fault: f}
	}
	rules := []conductortest.Rule{
		seldom(0.05, "", conductortest.Fault{Delay: 300 * time.Millisecond}),
		seldom(0.01, "", conductortest.Fault{Status: http.StatusInternalServerError}),
		seldom(0.01, "", conductortest.Fault{Status: http.StatusBadGateway, Wire: conductortest.WireHTML}),
		seldom(0.005, "", conductortest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}),
		seldom(0.002, "", conductortest.Fault{Status: http.StatusForbidden}),
		seldom(0.005, "update", conductortest.Fault{Status: http.StatusBadRequest}),
		seldom(0.02, "update", conductortest.Fault{Lost: true}),
		seldom(0.002, "", conductortest.Fault{Wire: conductortest.WireHang}),
		seldom(0.002, "poll", conductortest.Fault{Wire: conductortest.WireBomb}),
	}
	for _, w := range []conductortest.Wire{
		conductortest.WireClose, conductortest.WireReset, conductortest.WireTruncated,
		conductortest.WireShort, conductortest.WireGarbage, conductortest.WireHTML,
	} {
		rules = append(rules, seldom(0.004, "", conductortest.Fault{Wire: w}), seldom(0.004, "", conductortest.Fault{Wire: w, Lost: true}))
	}
	return conductortest.Plan(seed, rules...)
}

// RandomFaults is row 28: work comes at a steady pace, and everything goes
// wrong now and then, for so long.
func RandomFaults(last time.Duration, seed uint64) Row {
	var m *Middle
	return Row{
		Promise: Promise{Redelivers: true},
		Number:  28, Fault: fmt.Sprintf("faults at random, for %s", last), Tasks: 40,
		Stage: Options{Auth: true, Lease: 5 * time.Second, Behind: behind(&m)}, Within: last + 3*time.Minute,
		Play: func(ctx context.Context, r *Run) error {
			random := rand.New(rand.NewPCG(seed, 28)) //nolint:gosec // a seed repeats the run
			r.Ledger.SetFaults(anything(seed))
			for end := time.Now().Add(last); time.Now().Before(end); {
				r.Load(20)
				if err := conductortest.Pause(ctx, 500*time.Millisecond); err != nil {
					return err
				}
				if err := r.mishap(ctx, m, random.IntN(10)); err != nil {
					return err
				}
			}
			r.Ledger.SetFaults(nil)
			r.Healed()
			return nil
		},
	}
}

// mishap is what happens to all calls at once; most numbers are nothing.
func (r *Run) mishap(ctx context.Context, m *Middle, which int) error {
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
