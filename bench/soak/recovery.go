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

// pollers is how many cold polls each of those workers has at once.
const pollers = 2

// Trial is one worker whose server died and came back.
type Trial struct {
	Dead  float64 // seconds for which the server was away
	Found float64 // seconds from its return to the first poll that it served
	Asked float64 // polls per second and poller while it was away, after the first half of that time
}

// Recover times how soon dead servers are found again that come back at a
// moment that their workers cannot know, all at once.
func Recover(ctx context.Context, o Options) ([]Trial, error) {
	o.Say("%d servers die, and come back after %s to %s", o.Trials, o.Dead, o.Dead*3/2)
	random := rand.New(rand.NewPCG(o.Seed, 2)) //nolint:gosec // a seed repeats the run
	trials, errs := make([]Trial, o.Trials), make([]error, o.Trials)
	var group sync.WaitGroup
	for i := range trials {
		dead := o.Dead + random.N(o.Dead/2)
		group.Go(func() { trials[i], errs[i] = o.trial(ctx, dead) })
	}
	group.Wait()
	return trials, errors.Join(errs...)
}

func (o Options) trial(ctx context.Context, dead time.Duration) (t Trial, err error) {
	stage, err := reliability.NewStage(ctx, reliability.Options{}, nil)
	if err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	defer stage.Close()
	worker, err := o.Start(stage.Env(map[string]string{
		"CONDUCTOR_JWT_POLLERS": strconv.Itoa(pollers), "CONDUCTOR_JWT_POLL_TIMEOUT": "5s", "LOG_LEVEL": "info",
	}))
	if err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	defer func() { err = errors.Join(err, end(context.WithoutCancel(ctx), worker)) }()
	base, err := reliability.Probe(ctx, worker)
	if err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	if err := stage.AwaitCalls(ctx, "poll", pollers); err != nil {
		return t, fmt.Errorf("soak: %w", err)
	}
	stage.Server.Down()
	t.Dead = dead.Seconds()
	if t.Asked, err = asked(ctx, base, dead); err != nil {
		return t, err
	}
	t.Found, err = found(ctx, stage)
	return t, err
}

// asked lets the time of an outage pass, and gives how many polls a second
// each poller tries in the second half of it, by the worker's own count of
// those that failed: nobody else is there to count.
func asked(ctx context.Context, base string, dead time.Duration) (float64, error) {
	if err := conductortest.Pause(ctx, dead/2); err != nil {
		return 0, err
	}
	from := time.Now()
	before, err := metrics(ctx, base)
	if err != nil {
		return 0, err
	}
	if err := conductortest.Pause(ctx, dead/2); err != nil {
		return 0, err
	}
	after, err := metrics(ctx, base)
	const name = "task_poll_error_total"
	return (after[name] - before[name]) / time.Since(from).Seconds() / pollers, err
}

// end tells a worker to.
func end(ctx context.Context, w reliability.Worker) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	w.Signal(syscall.SIGTERM)
	status, err := w.Wait(ctx)
	if err != nil {
		w.Signal(os.Kill)
		return fmt.Errorf("soak: the worker does not end: %w", err)
	}
	if status != 0 {
		return fmt.Errorf("soak: the worker ended with status %d", status)
	}
	return nil
}
