package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

// endless always has tasks, until n have been taken.
type endless struct {
	n, polls atomic.Int64
}

func (e *endless) Poll(_ context.Context, q conductor.Query) ([]api.Task, error) {
	e.polls.Add(1)
	tasks := make([]api.Task, q.Count)
	for i := range tasks {
		tasks[i] = api.Task{ID: strconv.FormatInt(e.n.Add(1), 10), WorkflowID: "w", Name: "n", ResponseTimeout: maxExecution}
	}
	return tasks, nil
}

func (*endless) Update(context.Context, api.Result) error { return nil }

// BenchmarkEngine is what the engine itself costs a task: no server, no handler.
func BenchmarkEngine(b *testing.B) {
	for _, slots := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("%d slots", slots), func(b *testing.B) {
			e := &endless{}
			w, err := New(Options{
				Server: e, Handler: handlerFunc(sign), TaskTypes: []string{jwtType}, Slots: slots,
				Once: b.N, Metrics: NewMetrics([]string{jwtType}), Logger: slog.New(slog.DiscardHandler),
				Pollers: 2, PollTimeout: 5 * time.Second, DrainTimeout: time.Second,
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			if err := w.Run(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/float64(e.polls.Load()), "tasks/poll")
		})
	}
}
