package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"conductor-jwt/test/conductortest"
	"conductor-jwt/test/reliability"
)

// pollers is the number of pollers of each worker.
const pollers = 2

// Trial is an outage as seen by one worker.
type Trial struct {
	Outage    float64 // seconds
	FirstPoll float64 // seconds from the end of the outage to the first poll
	PollRate  float64 // polls per second and poller in the second half of the outage
}

// Recover measures the polls of o.Trials workers during and after an outage of
// random duration, all at the same time.
func Recover(ctx context.Context, o Options) ([]Trial, error) {
	o.Printf("%d servers are down for %s to %s", o.Trials, o.Outage, o.Outage*3/2)
	random := rand.New(rand.NewPCG(o.Seed, 2)) //nolint:gosec // a seed repeats the run
	trials, errs := make([]Trial, o.Trials), make([]error, o.Trials)
	var group sync.WaitGroup
	for i := range trials {
		outage := o.Outage + random.N(o.Outage/2)
		group.Go(func() { trials[i], errs[i] = o.trial(ctx, outage) })
	}
	group.Wait()
	return trials, errors.Join(errs...)
}

func (o Options) trial(ctx context.Context, outage time.Duration) (t Trial, err error) {
	bed, err := reliability.NewTestbed(ctx, reliability.Options{}, nil)
	if err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	defer bed.Close()
	worker, err := o.Start(bed.Env(map[string]string{
		"CONDUCTOR_JWT_POLLERS": strconv.Itoa(pollers), "CONDUCTOR_JWT_POLL_TIMEOUT": "5s", "LOG_LEVEL": "info",
	}))
	if err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	defer func() { err = errors.Join(err, end(context.WithoutCancel(ctx), worker)) }()
	base, err := reliability.BaseURL(ctx, worker)
	if err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	if err := bed.AwaitCalls(ctx, "poll", pollers); err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	bed.Server.Down()
	t.Outage = outage.Seconds()
	if t.PollRate, err = pollRate(ctx, base, outage); err != nil {
		return t, err
	}
	t.FirstPoll, err = restart(ctx, bed)
	return t, err
}

// pollRate waits for the duration of an outage and returns the polls per second
// and poller in its second half, from the worker's metric of failed polls.
func pollRate(ctx context.Context, base string, outage time.Duration) (float64, error) {
	if err := conductortest.Pause(ctx, outage/2); err != nil {
		return 0, err
	}
	from := time.Now()
	before, err := metrics(ctx, base)
	if err != nil {
		return 0, err
	}
	if err := conductortest.Pause(ctx, outage/2); err != nil {
		return 0, err
	}
	after, err := metrics(ctx, base)
	const name = "task_poll_error_total"
	return (after[name] - before[name]) / time.Since(from).Seconds() / pollers, err
}

// end stops a worker.
func end(ctx context.Context, w reliability.Worker) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	w.Signal(syscall.SIGTERM)
	status, err := w.Wait(ctx)
	if err != nil {
		w.Signal(os.Kill)
		return fmt.Errorf("soak: the worker does not end on SIGTERM: %w", err)
	}
	if status != 0 {
		return fmt.Errorf("soak: exit status %d, want 0", status)
	}
	return nil
}
