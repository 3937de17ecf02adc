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

// setting is the number of workers and their slots.
type setting struct{ slots, replicas int }

// rate is the throughput of a backlog, and the CPU time of each task.
type rate struct {
	setting
	perSecond float64
	worker    float64 // CPU ms of the workers
	server    float64 // CPU ms of the server's Java
	machine   float64 // CPU ms of all processes, the store's included
}

// throughput queues tasks and then starts workers.
func (b *bench) throughput(ctx context.Context, s *testbed, c setting) (rate, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	r := rate{setting: c}
	// On a busy SQLite about one execution in a thousand is not scheduled.
	if err := s.queue(ctx, b.backlog+b.backlog/50); err != nil {
		return r, err
	}
	before, err := usage.Of(s.server.PID())
	if err != nil {
		return r, err
	}
	var workers []*worker
	for range c.replicas {
		w, err := b.launch(ctx, s, c.slots, 2, b.backlog/c.replicas)
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
	r.perSecond = n / after.At.Sub(before.At).Seconds()
	r.worker, r.server, r.machine = each(used), each(after.Worker-before.Worker), each(after.Machine-before.Machine)
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

// wait is how long tasks wait in the queue, and the cost of polling.
type wait struct {
	pollers  int
	java     float64 // cores used by the server's Java while nothing is queued
	idle     float64 // cores used by all processes while nothing is queued
	p50, p99 float64 // ms from scheduled to ended, at 10 tasks/s
}

// waiting measures with the given number of pollers; 0 measures the idle server
// without a worker.
func (b *bench) waiting(ctx context.Context, s *testbed, pollers int) (wait, error) {
	out := wait{pollers: pollers}
	if pollers > 0 {
		w, err := b.launch(ctx, s, 10, pollers, 0)
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
	out.java = (after.Worker - before.Worker).Seconds() / after.At.Sub(before.At).Seconds()
	out.idle = (after.Machine - before.Machine).Seconds() / after.At.Sub(before.At).Seconds()
	if pollers == 0 {
		return out, nil
	}
	times, err := b.latencies(ctx, s)
	if err != nil {
		return out, err
	}
	slices.Sort(times)
	out.p50, out.p99 = times[len(times)/2], times[min(len(times)-1, len(times)*99/100)]
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
