package conductortest_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// A worker that answers everything it is given, in any way and at any time,
// satisfies the invariant; and no task is ever in two hands, or in none.
func TestNoTaskIsLostOrInTwoHands(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Unix(1795355503, 0)
		l := conductortest.NewLedger(conductortest.Options{
			Now: func() time.Time { return now }, Mode: conductortest.Mode(rapid.IntRange(0, 1).Draw(r, "mode")),
		})
		const lease = 10 * time.Second
		hands := map[string]time.Time{} // task id -> when its lease ends
		jobs := map[string]api.Task{}
		enqueued := 0
		r.Repeat(map[string]func(*rapid.T){
			"enqueue": func(r *rapid.T) {
				l.Enqueue(conductortest.TaskSpec{Type: queue, Definition: &conductortest.Definition{
					Retries: 1000, ResponseTimeout: lease, RetryDelay: time.Duration(rapid.IntRange(0, 2).Draw(r, "delay")) * time.Second,
				}})
				enqueued++
			},
			"poll": func(r *rapid.T) {
				n := rapid.IntRange(1, 5).Draw(r, "count")
				tasks, err := l.Poll(t.Context(), conductor.Query{TaskType: queue, WorkerID: "w1", Count: n})
				if err != nil || len(tasks) > n {
					r.Fatalf("%d tasks, %v", len(tasks), err)
				}
				for _, task := range tasks {
					if until, ok := hands[task.ID]; ok && now.Before(until) {
						r.Fatalf("%s is in two hands", task.ID)
					}
					hands[task.ID], jobs[task.ID] = now.Add(lease), task
				}
			},
			"answer": func(r *rapid.T) {
				for id, task := range jobs {
					status := rapid.SampledFrom([]conductortest.Status{
						conductortest.Completed, conductortest.Failed, conductortest.Terminal, conductortest.InProgress,
					}).Draw(r, "status")
					if err := l.Update(t.Context(), result(task, status)); err != nil {
						r.Fatal(err)
					}
					delete(hands, id)
					delete(jobs, id)
					return
				}
			},
			"pass": func(r *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 15).Draw(r, "seconds")) * time.Second)
			},
			"": func(r *rapid.T) {
				if got := len(l.Tasks()); got != enqueued {
					r.Fatalf("%d tasks, %d were enqueued", got, enqueued)
				}
			},
		})
		now = now.Add(time.Hour)
		if err := l.Check(); err != nil {
			r.Fatal(err)
		}
		drain(t, r, l, &now)
	})
}

// drain answers all there is.
func drain(t *testing.T, r *rapid.T, l *conductortest.Ledger, now *time.Time) {
	t.Helper()
	for l.Unended() > 0 {
		tasks, err := l.Poll(t.Context(), conductor.Query{TaskType: queue, WorkerID: "w1", Count: 10})
		if err != nil {
			r.Fatal(err)
		}
		for _, task := range tasks {
			if err := l.Update(t.Context(), result(task, conductortest.Completed)); err != nil {
				r.Fatal(err)
			}
		}
		if len(tasks) == 0 {
			*now = now.Add(time.Second)
		}
	}
	if err := l.Check(); err != nil {
		r.Fatal(err)
	}
}

func TestManyPollsShareWhatComes(t *testing.T) {
	for _, mode := range []conductortest.Mode{conductortest.FirstMessage, conductortest.FillOrTimeout} {
		synctest.Test(t, func(t *testing.T) {
			l := conductortest.NewLedger(conductortest.Options{Mode: mode})
			const pollers, tasks = 8, 100
			var wg sync.WaitGroup
			var all atomic.Bool // or the pollers could end before the last task came
			for range pollers {
				wg.Go(func() {
					for !all.Load() || l.Unended() > 0 {
						got, err := l.Poll(t.Context(), conductor.Query{TaskType: queue, WorkerID: "w1", Count: 3, Timeout: time.Second})
						if err != nil {
							t.Error(err)
						}
						for _, task := range got {
							if err := l.Update(t.Context(), result(task, conductortest.Completed)); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			for range tasks {
				l.Enqueue(conductortest.TaskSpec{Type: queue})
			}
			all.Store(true)
			if err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			wg.Wait()
			if got := len(l.Deliveries()); got != tasks {
				t.Errorf("%d deliveries of %d tasks", got, tasks)
			}
			sound(t, l)
		})
	}
}
