package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"conductor-jwt/bench/stub"
	"conductor-jwt/bench/usage"
	"conductor-jwt/test/conductortest"
)

// throughput counts updates during the window while the queue is never empty.
func (b *bench) throughput(ctx context.Context, c Cell) (*Sample, error) {
	s, err := b.launch(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.await(ctx, "update", func(st stub.State) bool { return st.Updates > 0 }); err != nil {
		return nil, err
	}
	if err := conductortest.Pause(ctx, b.warmUp(c.Worker)); err != nil {
		return nil, err
	}
	pids := s.pids()
	before, err := usage.Of(pids...)
	if err != nil {
		return nil, err
	}
	first := s.server.State()
	if err := conductortest.Pause(ctx, b.window); err != nil {
		return nil, err
	}
	last := s.server.State()
	after, err := usage.Of(pids...)
	if err != nil {
		return nil, err
	}
	out := &Sample{Cell: c, Foreign: before.Foreign(after)}
	out.MiB, out.Written = usage.Memory(pids...)
	s.stop()
	n := float64(last.Updates - first.Updates)
	if n == 0 {
		return nil, fmt.Errorf("no task was updated in the window\n%.4000s", s.output)
	}
	out.PerSecond = n / after.At.Sub(before.At).Seconds()
	out.CPU = float64((after.Worker - before.Worker).Microseconds()) / 1000 / n
	out.Polls = float64(last.Polls-first.Polls) / n
	return out, s.check()
}

// latency queues tasks at a rate and measures the time until the update. The times
// between tasks vary, so that they fall anywhere within a tick.
func (b *bench) latency(ctx context.Context, c Cell) (*Sample, error) {
	s, err := b.launch(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.await(ctx, "poll", func(st stub.State) bool { return st.Polls > 0 }); err != nil {
		return nil, err
	}
	const warm = 10 // tasks that do not count: the key is parsed, the code compiled
	n := warm + b.latencyTasks + 3*(c.Rate-10)
	pids := s.pids()
	before, err := usage.Of(pids...)
	if err != nil {
		return nil, err
	}
	gap := float64(time.Second) / float64(c.Rate)
	for range n {
		if err := conductortest.Pause(ctx, time.Duration(gap*(0.5+rand.Float64()))); err != nil { //nolint:gosec // jitter
			return nil, err
		}
		s.server.Enqueue()
	}
	if err := s.await(ctx, "update of every task", func(st stub.State) bool { return st.Updates >= n }); err != nil {
		return nil, err
	}
	after, err := usage.Of(pids...)
	if err != nil {
		return nil, err
	}
	var times []float64
	for _, u := range s.server.Updates()[warm:] {
		times = append(times, float64(u.At.Sub(u.Queued).Microseconds())/1000)
	}
	slices.Sort(times)
	out := &Sample{Cell: c, Foreign: before.Foreign(after), P50: quantile(times, 0.5), P99: quantile(times, 0.99)}
	out.CPU = float64((after.Worker - before.Worker).Microseconds()) / 1000 / float64(n)
	s.stop()
	return out, s.check()
}

// start measures the time from the start of the process to its first poll; if it
// is short, the median of seven.
func (b *bench) start(ctx context.Context, c Cell) (*Sample, error) {
	first, err := b.startOnce(ctx, c)
	if err != nil || first.Millis > 200 {
		return first, err
	}
	times := []float64{first.Millis}
	for range 6 {
		next, err := b.startOnce(ctx, c)
		if err != nil {
			return nil, err
		}
		times = append(times, next.Millis)
	}
	slices.Sort(times)
	first.Millis = quantile(times, 0.5)
	return first, nil
}

func (b *bench) startOnce(ctx context.Context, c Cell) (*Sample, error) {
	before, err := usage.Of()
	if err != nil {
		return nil, err
	}
	s, err := b.launch(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.await(ctx, "poll", func(st stub.State) bool { return st.Polls > 0 }); err != nil {
		return nil, err
	}
	after, err := usage.Of(s.pids()...)
	if err != nil {
		return nil, err
	}
	first := s.server.State().First
	out := &Sample{Cell: c, Millis: float64(first.Sub(s.started).Microseconds()) / 1000}
	if after.At.Sub(before.At) > time.Second/2 { // /proc has ticks of 10 ms
		out.Foreign = before.Foreign(after)
	}
	return out, nil
}

// quantile returns a quantile of sorted values.
func quantile(sorted []float64, q float64) float64 {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
