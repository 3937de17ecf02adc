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

// Options say how to soak.
type Options struct {
	Start  reliability.Starter
	Path   string // of the program that it starts
	Seed   uint64
	For    time.Duration
	Share  float64       // of the peak
	Rate   float64       // tasks per second; 0 is by Share
	Peak   time.Duration // for which the peak is measured
	Gap    time.Duration // between two faults, on average
	Fault  time.Duration // of a fault, on average
	Slots  int
	Procs  int // GOMAXPROCS of the worker; 0 is all cores
	Trials int // of recovery
	Dead   time.Duration
	// Restart takes the server down for a moment when all is done, which ends
	// idle connections at once and not after the half minute that they live.
	Restart bool
	Say     func(format string, a ...any)
}

// lease is the response timeout of the tasks, and over how long a task is over
// before it is judged: nothing is said of it any more.
const (
	lease = 10 * time.Second
	over  = 30 * time.Second
)

// settled is how long a worker may take to be back where it was: it keeps an
// idle connection for 30 s.
const settled = 2 * time.Minute

// soak is a run.
type soak struct {
	Options
	stage  *reliability.Stage
	worker reliability.Worker
	base   string // of its metrics
	load   *load
	audit  *reliability.Audit
	began  time.Time // the load
	spoilt atomic.Int64
	result *Result
	unfair int // tasks that failed though they were good
}

// Soak runs the worker under load and faults to the end.
func Soak(ctx context.Context, o Options) (*Result, error) {
	keys, err := reliability.NewKeys()
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	stage, err := reliability.NewStage(ctx, reliability.Options{Auth: true, Lease: lease}, keys)
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	defer stage.Close()
	s := &soak{
		Options: o, stage: stage, load: newLoad(stage, o.Seed), audit: reliability.NewAudit(stage),
		result: &Result{Seed: o.Seed, For: o.For.Seconds(), Slots: o.Slots, Procs: o.Procs, Date: time.Now().UTC(), Machine: describe(ctx, o.Path)},
	}
	if s.worker, err = o.Start(stage.Env(o.env())); err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	err = s.through(ctx)
	return s.result, errors.Join(err, s.finish(context.WithoutCancel(ctx)))
}

func (o Options) env() map[string]string {
	env := map[string]string{
		"CONDUCTOR_JWT_SLOTS": strconv.Itoa(o.Slots), "CONDUCTOR_JWT_POLL_TIMEOUT": "5s", "LOG_LEVEL": "info",
	}
	if o.Procs > 0 {
		env["GOMAXPROCS"] = strconv.Itoa(o.Procs)
	}
	return env
}

// through is the run: alone, at its peak, under load with faults, alone again.
func (s *soak) through(ctx context.Context) (err error) {
	if s.base, err = reliability.Probe(ctx, s.worker); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	if err := s.stage.AwaitCalls(ctx, "poll", 2); err != nil {
		return fmt.Errorf("soak: %w", err)
	}
	if s.result.Base, err = observe(ctx, s.base); err != nil {
		return err
	}
	if s.result.Peak, err = s.load.peak(ctx, s.Peak, s.Slots); err != nil {
		return fmt.Errorf("soak: peak: %w", err)
	}
	s.result.Rate = s.Rate
	if s.Rate == 0 {
		s.result.Rate = s.Share * s.result.Peak
	}
	s.Say("seed %d: the peak is %.0f tasks/s, the load %.0f tasks/s for %s", s.Seed, s.result.Peak, s.result.Rate, s.For)
	if err := s.underLoad(ctx); err != nil {
		return err
	}
	return s.settle(ctx)
}

// underLoad is the load, the faults and who looks on, all at once.
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
	s.result.Held, s.result.Sent = s.load.held.Seconds(), s.load.sent
	return errors.Join(errs...)
}

// faults plays one episode after the other while the load lasts.
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
		n, err := s.play(ctx, k, script.random.Uint64(), lasts)
		if err != nil {
			return fmt.Errorf("soak: %s: %w", k.name, err)
		}
		e.End, e.Calls = s.since(), n
		s.result.Episodes = append(s.result.Episodes, e)
	}
}

func (s *soak) since() float64 { return time.Since(s.began).Seconds() }

// play is one episode; it says how many calls it struck.
func (s *soak) play(ctx context.Context, k kind, seed uint64, lasts time.Duration) (int, error) {
	switch {
	case k.name == down:
		return 0, s.outage(ctx, lasts)
	case k.play != nil:
		before := s.stage.Server.Granted()
		err := k.play(ctx, s.stage, lasts)
		return s.stage.Server.Granted() - before, err
	}
	var n atomic.Int64
	plan := ct.Plan(seed, k.rules...)
	s.stage.Ledger.SetFaults(struck(plan, &n))
	defer s.stage.Ledger.SetFaults(nil)
	err := ct.Pause(ctx, lasts)
	if k.name == unreadable {
		s.spoilt.Add(n.Load())
	}
	return int(n.Load()), err
}

// outage takes the server down and times how soon it is found again.
func (s *soak) outage(ctx context.Context, lasts time.Duration) error {
	s.stage.Server.Down()
	if err := ct.Pause(ctx, lasts); err != nil {
		return err
	}
	took, err := found(ctx, s.stage)
	s.result.Outages = append(s.result.Outages, took)
	return err
}

// found takes a server up again, and gives the seconds to the first poll that
// it serves.
func found(ctx context.Context, stage *reliability.Stage) (float64, error) {
	before := stage.Ledger.Calls("poll")
	up, tick := time.Now(), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	if err := stage.Up(ctx); err != nil {
		return 0, fmt.Errorf("soak: %w", err)
	}
	for stage.Ledger.Calls("poll") == before {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("soak: no poll after an outage: %w", context.Cause(ctx))
		}
	}
	return time.Since(up).Seconds(), nil
}

// watch takes a sample every second, and judges what is over.
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
			s.audit.Take(time.Now().Add(-over), s.show)
		}
		if n%60 == 0 {
			last := s.result.Samples[len(s.result.Samples)-1]
			s.Say("%4.0f s: %d ended, %d wait, %.1f MiB, %.0f goroutines, %.0f descriptors",
				last.At, last.Ended, last.Waiting, last.Memory, last.Goroutines, last.Descriptors)
		}
	}
}

func (s *soak) sample(ctx context.Context) error {
	one, err := observe(ctx, s.base)
	if err != nil {
		return err
	}
	one.At, one.Waiting = s.since(), s.stage.Ledger.Unended()
	one.Ended = int(s.load.count.Load()) - one.Waiting
	s.result.Samples = append(s.result.Samples, one)
	return nil
}

// show notes a task that is over.
func (s *soak) show(t ct.Snapshot) {
	wrong := s.load.isBad(t.First)
	if t.Status == api.Completed {
		if !s.began.IsZero() && t.Retry == 0 && t.Queued.After(s.began) {
			s.result.took = append(s.result.took, delay{float32(t.Queued.Sub(s.began).Seconds()), float32(t.Ended.Sub(t.Queued).Seconds())})
		}
		if wrong {
			s.result.Forged++
		}
		return
	}
	if !wrong {
		s.unfair++
	}
}

// settle waits until all is done and the worker is back where it was.
func (s *soak) settle(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, settled)
	defer cancel()
	if err := s.stage.Await(within); err != nil {
		s.Say("%v", err) // which the ledger tells, too
	}
	if s.Restart {
		s.stage.Server.Down()
		if err := s.stage.Up(ctx); err != nil {
			return fmt.Errorf("soak: %w", err)
		}
	}
	began, tick := time.Now(), time.NewTicker(250*time.Millisecond)
	defer tick.Stop()
	for {
		now, err := observe(ctx, s.base)
		if err != nil {
			return err
		}
		s.result.Rest, s.result.Settled = now, time.Since(began).Seconds()
		if s.result.isBack() {
			return nil
		}
		select {
		case <-tick.C:
		case <-within.Done():
			return nil
		}
	}
}

// finish ends the worker and judges the rest.
func (s *soak) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pages := reliability.Pages(ctx, s.worker)
	s.worker.Signal(syscall.SIGTERM)
	status, err := s.worker.Wait(ctx)
	if err != nil {
		s.worker.Signal(os.Kill)
		return fmt.Errorf("soak: the worker does not end: %w", err)
	}
	log := s.worker.Log()
	r := s.result
	r.Status, r.Left = status, s.stage.Ledger.Unended()
	r.Panics, r.Lines = strings.Count(log, "panicked"), strings.Count(log, "\n")
	s.audit.Finish(s.show, log, pages)
	r.Sum, r.Unfair, r.Spoilt = sum(s.audit), s.unfair, int(s.spoilt.Load())
	return nil
}
