package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"conductor-jwt/conductor/api"
	ct "conductor-jwt/test/conductortest"
	"conductor-jwt/test/reliability"
)

// Options configure a soak.
type Options struct {
	Start  reliability.Starter
	Path   string // of the worker's program
	Seed   uint64
	For    time.Duration
	Share  float64       // of the peak
	Rate   float64       // tasks per second; 0 uses Share
	Peak   time.Duration // of the measurement of the peak
	Gap    time.Duration // between two faults, on average
	Fault  time.Duration // of a fault, on average
	Slots  int
	Procs  int           // GOMAXPROCS of the worker; 0 is all cores
	Trials int           // of Recover
	Outage time.Duration // of Recover, at least
	// Restart restarts the server at the end, which closes idle connections at
	// once instead of after half a minute.
	Restart bool
	Printf  func(format string, a ...any)
}

// lease is the response timeout of the tasks. over is the time from the end of a
// task until it is judged; no update of it can arrive later.
const (
	lease = 10 * time.Second
	over  = 30 * time.Second
)

// idleTimeout bounds the time until the worker is idle; it keeps an idle
// connection for 30 s.
const idleTimeout = 2 * time.Minute

// soak is a run.
type soak struct {
	Options
	bed        *reliability.Testbed
	worker     reliability.Worker
	base       string // of its metrics
	load       *load
	audit      *reliability.Audit
	began      time.Time // the load
	spoiled    atomic.Int64
	result     *Result
	goodFailed int // valid tasks that failed
}

// Soak runs the worker under load and faults to the end.
func Soak(ctx context.Context, o Options) (*Result, error) {
	keys, err := reliability.NewKeys()
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	bed, err := reliability.NewTestbed(ctx, reliability.Options{Auth: true, Lease: lease}, keys)
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	defer bed.Close()
	s := &soak{
		Options: o, bed: bed, load: newLoad(bed, o.Seed), audit: reliability.NewAudit(bed),
		result: &Result{Seed: o.Seed, For: o.For.Seconds(), Slots: o.Slots, Procs: o.Procs, Date: time.Now().UTC(), Machine: describe(ctx, o.Path)},
	}
	if s.worker, err = o.Start(bed.Env(o.env())); err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	err = s.phases(ctx)
	return s.result, errors.Join(err, s.finish(context.WithoutCancel(ctx)))
}

// coldPolls is how many long polls wait while the worker is idle.
const coldPolls = 4

func (o Options) env() map[string]string {
	env := map[string]string{
		"CONDUCTOR_JWT_SLOTS": strconv.Itoa(o.Slots), "CONDUCTOR_JWT_POLLERS": strconv.Itoa(coldPolls),
		"CONDUCTOR_JWT_POLL_TIMEOUT": "5s", "LOG_LEVEL": "info",
	}
	if o.Procs > 0 {
		env["GOMAXPROCS"] = strconv.Itoa(o.Procs)
	}
	return env
}

// phases runs the worker idle, at its peak, under load with faults, and idle
// again.
func (s *soak) phases(ctx context.Context) (err error) {
	if s.base, err = reliability.BaseURL(ctx, s.worker); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	if err := s.bed.AwaitCalls(ctx, "poll", 1+coldPolls); err != nil { // a probe, then the long polls
		return fmt.Errorf("soak: %w", err)
	}
	if s.result.Before, err = readSample(ctx, s.base); err != nil {
		return err
	}
	if s.result.Peak, err = s.load.peak(ctx, s.Peak, s.Slots); err != nil {
		return fmt.Errorf("soak: peak: %w", err)
	}
	s.result.Rate = s.Rate
	if s.Rate == 0 {
		s.result.Rate = s.Share * s.result.Peak
	}
	s.Printf("seed %d: the peak is %.0f tasks/s, the load %.0f tasks/s for %s", s.Seed, s.result.Peak, s.result.Rate, s.For)
	if err := s.underLoad(ctx); err != nil {
		return err
	}
	return s.awaitIdle(ctx)
}

// underLoad runs the load, the faults and the sampling concurrently.
func (s *soak) underLoad(ctx context.Context) error {
	s.began = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	loaded := make(chan struct{})
	var group sync.WaitGroup
	errs := make([]error, 3)
	for i, part := range []func() error{
		func() error { defer close(loaded); return s.load.steady(ctx, s.result.Rate, s.For) },
		func() error { return s.faults(ctx, loaded) },
		func() error { return s.watch(ctx, loaded) },
	} {
		group.Go(func() {
			if errs[i] = part(); errs[i] != nil {
				cancel(errs[i])
			}
		})
	}
	group.Wait()
	s.result.HeldBack, s.result.Sent = s.load.held.Seconds(), s.load.sent
	return errors.Join(errs...)
}

// faults runs one episode after the other until the load ends.
func (s *soak) faults(ctx context.Context, loaded <-chan struct{}) error {
	for script := newScript(s.Options); ; {
		k, after, lasts := script.next()
		calm := time.NewTimer(after)
		select {
		case <-calm.C:
		case <-loaded:
			calm.Stop()
			return nil
		case <-ctx.Done():
			calm.Stop()
			return nil
		}
		e := Episode{Kind: k.name, Begin: s.since()}
		n, err := s.runEpisode(ctx, k, script.random.Uint64(), lasts)
		if err != nil {
			return fmt.Errorf("soak: %s: %w", k.name, err)
		}
		e.End, e.Calls = s.since(), n
		s.result.Episodes = append(s.result.Episodes, e)
	}
}

func (s *soak) since() float64 { return time.Since(s.began).Seconds() }

// runEpisode runs one episode and returns the number of affected calls.
func (s *soak) runEpisode(ctx context.Context, k faultKind, seed uint64, lasts time.Duration) (int, error) {
	switch {
	case k.name == down:
		return 0, s.outage(ctx, lasts)
	case k.run != nil:
		before := s.bed.Server.Granted()
		err := k.run(ctx, s.bed, lasts)
		return s.bed.Server.Granted() - before, err
	}
	var n atomic.Int64
	plan := ct.Plan(seed, k.rules...)
	s.bed.Ledger.SetFaults(counted(plan, &n))
	defer s.bed.Ledger.SetFaults(nil)
	err := ct.Pause(ctx, lasts)
	if k.name == unreadableTasks {
		s.spoiled.Add(n.Load())
	}
	return int(n.Load()), err
}

// outage stops the server and times the first poll after it is up again.
func (s *soak) outage(ctx context.Context, lasts time.Duration) error {
	s.bed.Server.Down()
	if err := ct.Pause(ctx, lasts); err != nil {
		return err
	}
	took, err := restart(ctx, s.bed)
	s.result.Outages = append(s.result.Outages, took)
	return err
}

// restart starts a server and returns the seconds to the first poll that it
// serves.
func restart(ctx context.Context, bed *reliability.Testbed) (float64, error) {
	before := bed.Ledger.Calls("poll")
	up, tick := time.Now(), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	if err := bed.Up(ctx); err != nil {
		return 0, fmt.Errorf("soak: %w", err)
	}
	for bed.Ledger.Calls("poll") == before {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("soak: no poll after an outage: %w", context.Cause(ctx))
		}
	}
	return time.Since(up).Seconds(), nil
}

// watch takes a sample each second and judges ended tasks.
func (s *soak) watch(ctx context.Context, loaded <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
		case <-loaded:
			return nil
		case <-ctx.Done():
			return nil
		}
		if err := s.sample(ctx); err != nil {
			return err
		}
		if n%5 == 0 {
			s.audit.Judge(time.Now().Add(-over), s.visit)
		}
		if n%60 == 0 {
			last := s.result.Samples[len(s.result.Samples)-1]
			s.Printf("%4.0f s: %d ended, %d wait, %.1f MiB, %.0f goroutines, %.0f descriptors",
				last.At, last.Ended, last.Waiting, last.Memory, last.Goroutines, last.Descriptors)
		}
	}
}

func (s *soak) sample(ctx context.Context) error {
	one, err := readSample(ctx, s.base)
	if err != nil {
		return err
	}
	one.At, one.Waiting = s.since(), s.bed.Ledger.Unended()
	one.Ended = int(s.load.count.Load()) - one.Waiting
	s.result.Samples = append(s.result.Samples, one)
	return nil
}

// visit counts an ended task.
func (s *soak) visit(t ct.Snapshot) {
	invalid := s.load.wasInvalid(t.First)
	if t.Status == api.Completed {
		if !s.began.IsZero() && t.Retry == 0 && t.Queued.After(s.began) {
			s.result.took = append(s.result.took, delay{float32(t.Queued.Sub(s.began).Seconds()), float32(t.Ended.Sub(t.Queued).Seconds())})
		}
		if invalid {
			s.result.BadCompleted++
		}
		return
	}
	if !invalid {
		s.goodFailed++
	}
}

// awaitIdle waits until every task has ended and the worker is idle.
func (s *soak) awaitIdle(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, idleTimeout)
	defer cancel()
	if err := s.bed.Await(within); err != nil {
		s.Printf("%v", err) // finish reports it as well
	}
	if s.Restart {
		s.bed.Server.Down()
		if err := s.bed.Up(ctx); err != nil {
			return fmt.Errorf("soak: %w", err)
		}
	}
	began, tick := time.Now(), time.NewTicker(250*time.Millisecond)
	defer tick.Stop()
	for {
		now, err := readSample(ctx, s.base)
		if err != nil {
			return err
		}
		s.result.Final, s.result.IdleAfter = now, time.Since(began).Seconds()
		if s.result.isIdle() {
			return nil
		}
		select {
		case <-tick.C:
		case <-within.Done():
			return nil
		}
	}
}

// finish stops the worker and judges the remaining tasks.
func (s *soak) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pages := reliability.Pages(ctx, s.worker)
	s.worker.Signal(syscall.SIGTERM)
	status, err := s.worker.Wait(ctx)
	if err != nil {
		s.worker.Signal(os.Kill)
		return fmt.Errorf("soak: the worker does not end on SIGTERM: %w", err)
	}
	log := s.worker.Log()
	r := s.result
	r.Status, r.Left = status, s.bed.Ledger.Unended()
	r.Panics, r.Lines = strings.Count(log, "panicked"), strings.Count(log, "\n")
	s.audit.Finish(s.visit, log, pages)
	r.Sum, r.GoodFailed, r.Spoiled = sum(s.audit), s.goodFailed, int(s.spoiled.Load())
	return nil
}
