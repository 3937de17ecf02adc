package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
	"conductor-jwt/test/conductortest"
)

// chaos is a plan of faults of every kind, by one seed.
func chaos(seed uint64) conductortest.Faults {
	f := func(chance float64, call string, fault conductortest.Fault) conductortest.Rule {
		return conductortest.Rule{Call: call, Chance: chance, Fault: fault}
	}
	return conductortest.Plan(
		seed,
		f(0.02, "", conductortest.Fault{Err: fails(conductor.Network, 0)}),
		f(0.02, "", conductortest.Fault{Status: 500}),
		f(0.02, "", conductortest.Fault{Status: 401}),
		f(0.01, "", conductortest.Fault{Status: 429, RetryAfter: "2"}),
		f(0.01, "poll", conductortest.Fault{Status: 403}),
		f(0.01, "update", conductortest.Fault{Status: 400}),
		f(0.01, "poll", conductortest.Fault{Err: fails(conductor.TooLarge, 200)}),
		f(0.02, "", conductortest.Fault{Lost: true}),
		f(0.05, "", conductortest.Fault{Delay: 700 * time.Millisecond}),
		f(0.02, "", conductortest.Fault{Delay: 3 * time.Second, Lost: true}),
		f(0.05, "poll", conductortest.Fault{Extra: 5}),
		f(0.03, "poll", conductortest.Fault{Unreadable: conductortest.UnreadableField}),
	)
}

// randomHandler completes, fails, postpones, panics or ignores its context.
func randomHandler(seed uint64) handlerFunc {
	return func(ctx context.Context, d api.Task) task.Outcome {
		switch n := rand.N(100); {
		case n < 3:
			panic(fmt.Sprint(seed))
		case n < 6:
			return task.Outcome{Status: api.Failed, Reason: "internal: x"}
		case n < 10:
			return task.Outcome{Status: api.InProgress, After: time.Second, Reason: "key_unavailable: x"}
		case n < 13:
			sleep(context.Background(), 12*time.Second) //nolint:contextcheck // ignores its context on purpose
			return sign(ctx, d)
		case n < 30:
			return signIn(time.Duration(n)*100*time.Millisecond)(ctx, d)
		default:
			return signIn(time.Duration(n)*time.Millisecond)(ctx, d)
		}
	}
}

func TestNothingIsLostWhateverHappens(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mode := conductortest.Mode(seed % 2)
				l := conductortest.NewLedger(conductortest.Options{Mode: mode, Faults: chaos(seed)})
				random := rand.New(rand.NewPCG(seed, 1))
				types := []string{jwtType, "SIMPLE"}
				var runs []*rig
				for generation := range 6 {
					for range 12 {
						l.Enqueue(conductortest.TaskSpec{Type: types[random.IntN(2)], Definition: &conductortest.Definition{
							Retries: 1000, RetryDelay: time.Second, ResponseTimeout: time.Duration(2+random.IntN(20)) * time.Second,
						}})
					}
					runs = append(runs, start(t, l, Options{
						TaskTypes: types, WorkerID: fmt.Sprintf("w%d", generation), Slots: 2 + random.IntN(8), Pollers: 1 + random.IntN(3),
						DrainTimeout: time.Duration(1+random.IntN(10)) * time.Second, Handler: randomHandler(seed), Metrics: NewMetrics(types),
					}))
					time.Sleep(time.Duration(random.IntN(15000)) * time.Millisecond)
					if i := random.IntN(len(runs)); random.IntN(3) > 0 {
						runs[i].stop()
					} else {
						runs[i].worker.Abort()
					}
				}
				for _, r := range runs {
					r.stop()
					err := <-r.result
					if left := (*DrainError)(nil); err != nil && !errors.As(err, &left) && !errors.Is(err, ErrAborted) {
						t.Errorf("Run returned %v", err)
					}
					if n := r.worker.slots.inUse(); err == nil && n != 0 {
						t.Errorf("%d slots in use after a clean end", n)
					}
				}
				l.SetFaults(nil)
				last := start(t, l, Options{TaskTypes: types, WorkerID: "last", Slots: 16})
				last.idle(10 * time.Minute)
				last.drainClean()
				time.Sleep(time.Minute) // until the abandoned handlers have returned
			})
		})
	}
}

// retryableFaults is a plan of faults after which every call can be retried, and
// no leased task is lost. A task is given back within 3 s, which is time for five
// attempts: where one in five updates failed, as here before, all five failed in
// one run of a hundred, and the worker said so.
func retryableFaults(seed uint64) conductortest.Faults {
	f := func(chance float64, call string, fault conductortest.Fault) conductortest.Rule {
		return conductortest.Rule{Call: call, Chance: chance, Fault: fault}
	}
	return conductortest.Plan(
		seed,
		f(0.02, "", conductortest.Fault{Err: fails(conductor.Network, 0)}),
		f(0.02, "", conductortest.Fault{Status: 503}),
		f(0.02, "", conductortest.Fault{Status: 401}),
		f(0.02, "update", conductortest.Fault{Lost: true}),
		f(0.05, "update", conductortest.Fault{Delay: 100 * time.Millisecond}),
		f(0.10, "poll", conductortest.Fault{Extra: 5}),
		f(0.05, "poll", conductortest.Fault{Unreadable: conductortest.UnreadableField}),
	)
}

// Here the server has no response timeout, so each delivery must be answered.
func TestEveryDeliveryIsAnsweredWithoutResponseTimeouts(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mode := conductortest.Mode(seed % 2)
				l := conductortest.NewLedger(conductortest.Options{Mode: mode, Faults: retryableFaults(seed)})
				random := rand.New(rand.NewPCG(seed, 2))
				for generation := range 6 {
					for range 15 {
						l.Enqueue(conductortest.TaskSpec{Type: jwtType})
					}
					r := start(t, l, Options{
						WorkerID: fmt.Sprintf("w%d", generation), Slots: 2 + random.IntN(8), Pollers: 1 + random.IntN(3),
						DrainTimeout: time.Duration(2+random.IntN(10)) * time.Second, Handler: randomHandler(seed),
					})
					time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
					r.drainClean()
					if n := l.Counts()[api.InProgress]; n != 0 {
						t.Fatalf("%d tasks in progress after the drain", n)
					}
				}
				time.Sleep(time.Minute) // until the abandoned handlers have returned
			})
		})
	}
}
