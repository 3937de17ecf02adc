package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"conductor-jwt/bench/usage"
	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/conductortest"
)

// throughput queues tasks and then starts workers: c names their slots and number.
func (b *bench) throughput(ctx context.Context, s *testbed, c cell) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	r := sample{cell: c}
	// On a busy SQLite about one execution in a thousand is not scheduled.
	if err := s.queue(ctx, b.backlog+b.backlog/50); err != nil {
		return r, err
	}
	before, err := usage.Of(s.server.PID())
	if err != nil {
		return r, err
	}
	var workers []*worker
	for range c.Replicas {
		w, err := b.launch(ctx, s, c.Slots, 2, b.backlog/c.Replicas)
		if err != nil {
			return r, err
		}
		defer w.kill()
		workers = append(workers, w)
	}
	var used time.Duration
	for _, w := range workers {
		if err := w.end(); err != nil {
			return r, err
		}
		used += w.command.ProcessState.UserTime() + w.command.ProcessState.SystemTime()
	}
	after, err := usage.Of(s.server.PID())
	if err != nil {
		return r, err
	}
	n := float64(b.backlog)
	each := func(d time.Duration) float64 { return d.Seconds() * 1000 / n }
	r.PerSecond = n / after.At.Sub(before.At).Seconds()
	r.Worker, r.Server, r.Machine = each(used), each(after.Worker-before.Worker), each(after.Machine-before.Machine)
	return r, b.drainQueue(ctx, s)
}

// drainQueue empties the queue before the next measurement.
func (b *bench) drainQueue(ctx context.Context, s *testbed) error {
	w, err := b.launch(ctx, s, 10, 1, 0)
	if err != nil {
		return err
	}
	defer w.kill()
	return conductortest.Pause(ctx, 2*time.Second)
}

// waiting measures how long tasks wait in the queue, and the cost of polling; with
// no pollers, the idle server without a worker.
func (b *bench) waiting(ctx context.Context, s *testbed, c cell) (sample, error) {
	out := sample{cell: c}
	if c.Pollers > 0 {
		w, err := b.launch(ctx, s, 10, c.Pollers, 0)
		if err != nil {
			return out, err
		}
		defer w.kill()
	}
	if err := conductortest.Pause(ctx, 2*time.Second); err != nil {
		return out, err
	}
	before, err := usage.Of(s.server.PID())
	if err != nil {
		return out, err
	}
	if err := conductortest.Pause(ctx, 6*time.Second); err != nil {
		return out, err
	}
	after, err := usage.Of(s.server.PID())
	if err != nil {
		return out, err
	}
	out.Server = (after.Worker - before.Worker).Seconds() / after.At.Sub(before.At).Seconds()
	out.Machine = (after.Machine - before.Machine).Seconds() / after.At.Sub(before.At).Seconds()
	if c.Pollers == 0 {
		return out, nil
	}
	times, err := b.latencies(ctx, s)
	if err != nil {
		return out, err
	}
	out.P50, out.P99 = quantiles(times)
	return out, nil
}

// latencies starts ten executions a second, at random times, and returns the ms
// from scheduled to ended of each task, as the server reports them.
func (b *bench) latencies(ctx context.Context, s *testbed) ([]float64, error) {
	var ids []string
	for range b.trickle {
		if err := conductortest.Pause(ctx, time.Duration(rand.IntN(200))*time.Millisecond); err != nil { //nolint:gosec // jitter
			return nil, err
		}
		id, err := s.execute(ctx)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var times []float64
	for _, id := range ids {
		w, err := s.server.AwaitWorkflow(ctx, id)
		if err != nil {
			return nil, err
		}
		if w.Status == "COMPLETED" { // a busy SQLite fails some before they are scheduled
			times = append(times, took(w))
		}
	}
	if len(times) < len(ids)*9/10 {
		return nil, fmt.Errorf("only %d of %d executions completed, want nine in ten", len(times), len(ids))
	}
	return times, nil
}

// quantiles returns the median and the 99th percentile.
func quantiles(times []float64) (p50, p99 float64) {
	slices.Sort(times)
	return times[len(times)/2], times[min(len(times)-1, len(times)*99/100)]
}

// took returns the ms from scheduled to ended.
func took(w conductorjar.Workflow) float64 {
	var of struct {
		Tasks []struct{ ScheduledTime, EndTime int64 } `json:"tasks"`
	}
	if json.Unmarshal(w.Raw, &of) != nil || len(of.Tasks) == 0 {
		return 0
	}
	return float64(of.Tasks[0].EndTime - of.Tasks[0].ScheduledTime)
}
