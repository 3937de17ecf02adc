package reliability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"conductor-jwt/test/conductortest"
)

// TermUnderLoad is row 18: the worker is told to end in the middle of its
// work, and another one does the rest.
func TermUnderLoad() Row {
	return Row{
		Number: 18, Fault: "SIGTERM under load", Tasks: 300,
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 50); err != nil {
				return err
			}
			if err := r.Stop(ctx, r.Worker()); err != nil {
				return err
			}
			r.Healed()
			_, err := r.Start()
			return err
		},
	}
}

// TermWithoutServer is row 19: the worker is told to end while the server is
// away, and can report nothing.
func TermWithoutServer() Row {
	return Row{
		Promise: Promise{Redelivers: true, Ends: 1},
		Number:  19, Fault: "SIGTERM while the server is down", Tasks: 40,
		// Longer than a worker takes to end on a busy machine: what the server
		// has taken back is no longer left.
		Stage: Options{Lease: 15 * time.Second},
		Env:   map[string]string{"CONDUCTOR_JWT_DRAIN_TIMEOUT": "1s"},
		Plan:  conductortest.Plan(1, conductortest.Rule{Call: "update", Skip: 10, Fault: conductortest.Fault{Status: http.StatusServiceUnavailable}}),
		Play: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCalls(ctx, "update", 14); err != nil {
				return err
			}
			r.Server.Down()
			if err := r.Stop(ctx, r.Worker()); err != nil {
				return err
			}
			r.Ledger.SetFaults(nil)
			r.Healed()
			if err := r.Up(ctx); err != nil {
				return err
			}
			_, err := r.Start()
			return err
		},
	}
}

// Kills is row 20: so many workers, one after the other, are killed at work.
func Kills(rounds int, seed uint64) Row {
	return Row{
		Promise: Promise{Redelivers: true},
		Number:  20, Fault: fmt.Sprintf("kill -9 under load, %d rounds", rounds),
		Stage: Options{Lease: 2 * time.Second}, Within: 10 * time.Minute,
		Play: func(ctx context.Context, r *Run) error {
			random := rand.New(rand.NewPCG(seed, 20)) //nolint:gosec // a seed repeats the run
			for range rounds {
				r.Load(25)
				if err := r.AwaitCalls(ctx, "update", 1+random.IntN(20)); err != nil {
					return err
				}
				r.Kill(r.Worker())
				if _, err := r.Start(); err != nil {
					return err
				}
			}
			r.Load(5) // the last is to have work, too
			r.Healed()
			return nil
		},
	}
}
