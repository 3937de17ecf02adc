package reliability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"conductor-jwt/test/conductortest"
)

// SIGTERMUnderLoad is row 18: the worker gets SIGTERM under load, and another
// worker does the remaining tasks.
func SIGTERMUnderLoad() Row {
	return Row{
		Number: 18, Fault: "SIGTERM under load", Tasks: 300,
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 50); err != nil {
				return err
			}
			if err := r.Stop(ctx, r.Worker()); err != nil {
				return err
			}
			r.FaultEnded()
			_, err := r.Start()
			return err
		},
	}
}

// SIGTERMWithoutServer is row 19: the worker gets SIGTERM while the server is
// down, so it cannot report results.
func SIGTERMWithoutServer() Row {
	return Row{
		Promise: Promise{AllowsRedelivery: true, ExitStatus: 1},
		Number:  19, Fault: "SIGTERM while the server is down", Tasks: 40,
		// Longer than a worker takes to end on a busy machine; otherwise the
		// tasks have timed out and are no longer in progress.
		Options: Options{Lease: 15 * time.Second},
		Env:     map[string]string{"CONDUCTOR_JWT_DRAIN_TIMEOUT": "1s"},
		Plan:    conductortest.Plan(1, conductortest.Rule{Call: "update", Skip: 10, Fault: conductortest.Fault{Status: http.StatusServiceUnavailable}}),
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCalls(ctx, "update", 14); err != nil {
				return err
			}
			r.Server.Down()
			if err := r.Stop(ctx, r.Worker()); err != nil {
				return err
			}
			r.Ledger.SetFaults(nil)
			r.FaultEnded()
			if err := r.Up(ctx); err != nil {
				return err
			}
			_, err := r.Start()
			return err
		},
	}
}

// Kills is row 20: workers are killed under load, one after the other.
func Kills(rounds int, seed uint64) Row {
	return Row{
		Promise: Promise{AllowsRedelivery: true},
		Number:  20, Fault: fmt.Sprintf("kill -9 under load, %d rounds", rounds),
		Options: Options{Lease: 2 * time.Second}, Timeout: 10 * time.Minute,
		Steps: func(ctx context.Context, r *Run) error {
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
			r.Load(5) // so that the last worker has tasks, too
			r.FaultEnded()
			return nil
		},
	}
}
