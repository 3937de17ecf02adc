// Package worker is the engine: it polls Conductor, runs each task once, and
// repeats its report until the server acknowledges it. It knows tasks, not keys.
//
// Each delivery gets one terminal update or is given back. Where neither
// succeeds, the server delivers the task again after the response timeout of its
// definition: a task is run at least once.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/config"
	"conductor-jwt/task"
)

// Server is the part of Conductor that the engine uses. The in-memory ledger of
// test/conductortest implements it too.
type Server interface {
	// Poll takes up to q.Count tasks and waits up to q.Timeout for them. The tasks
	// that it returns are leased, so a poll in flight is never cancelled.
	Poll(ctx context.Context, q conductor.Query) ([]api.Task, error)
	// Update reports the end of a task. Only a nil error is an acknowledgement.
	Update(ctx context.Context, r api.Result) error
}

// Handler runs one task.
type Handler interface {
	Handle(ctx context.Context, t api.Task) task.Outcome
}

// Options configure a [Worker]. Package config checks the settings among them
// and has their defaults: here each field is needed unless it says otherwise.
type Options struct {
	Server  Server
	Handler Handler
	Metrics *Metrics
	Logger  *slog.Logger

	config.Engine
	Once int // stop after so many tasks; 0 never

	History *History // nil: none is kept
	// EnsureTaskDef, if not nil, is called from one goroutine for each task name,
	// with the task's queue, that may have no task definition, and again when later tasks of that name
	// may have none.
	EnsureTaskDef func(ctx context.Context, queue, name string)
}

// check finds errors of the program, which would make a run hang or panic.
func (o *Options) check() error {
	switch {
	case o.Server == nil || o.Handler == nil || o.Metrics == nil || o.Logger == nil:
		return errors.New("worker: Options without Server, Handler, Metrics or Logger; set all four")
	case len(o.TaskTypes) == 0:
		return errors.New("worker: no task types; set at least one")
	case o.Slots < len(o.TaskTypes):
		return fmt.Errorf("worker: %d slots for %d task types; set at least one for each", o.Slots, len(o.TaskTypes))
	case o.Pollers < 1:
		return fmt.Errorf("worker: %d pollers; set at least 1", o.Pollers)
	case o.PollTimeout <= 0:
		return fmt.Errorf("worker: poll timeout of %s; set more than 0", o.PollTimeout)
	}
	return nil
}

// Errors of [Worker.Run].
var (
	ErrAborted = errors.New("worker: stopped at once; the tasks in flight are left to the server")
	ErrRunning = errors.New("worker: a Worker runs once; make another with New")
)

// Worker polls, runs and reports tasks. Make it with [New]; run it once.
type Worker struct {
	opts    Options
	log     *slog.Logger
	metrics *Metrics
	jitter  jitter
	epoch   time.Time // of the pollers' phases

	slots       *slots
	quota       *quota
	inFlight    *inFlight
	missingDefs *missingDefs
	queues      []*queue
	pollers     []*poller
	pollPause   pollPause

	pollLog   *failureLog
	updateLog *failureLog

	started   atomic.Bool
	draining  atomic.Bool
	lost      atomic.Int64 // deliveries that ended without an acknowledgement since the drain began
	handlers  atomic.Int64 // that run, including abandoned ones
	abort     chan struct{}
	abortOnce sync.Once
	running   sync.WaitGroup // pollers and tasks in flight
}

// New makes a Worker that has not started.
func New(o Options) (*Worker, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w := &Worker{
		opts:        o,
		log:         o.Logger,
		metrics:     o.Metrics,
		jitter:      fullJitter,
		epoch:       time.Now(),
		slots:       newSlots(o.Slots, len(o.TaskTypes)),
		quota:       newQuota(o.Once),
		inFlight:    newInFlight(),
		missingDefs: newMissingDefs(),
		pollLog:     &failureLog{log: o.Logger, call: "poll"},
		updateLog:   &failureLog{log: o.Logger, call: "update"},
		abort:       make(chan struct{}),
	}
	for i, taskType := range o.TaskTypes {
		q := &queue{index: i, taskType: taskType}
		w.queues = append(w.queues, q)
		w.pollers = append(w.pollers, newPollers(w, q)...)
	}
	return w, nil
}

// runContexts are the three lifetimes of a run. Each ends no later than the next.
type runContexts struct {
	polling   context.Context //nolint:containedctx // they travel together; until the drain begins
	executing context.Context //nolint:containedctx // until the drain timeout is over
	reporting context.Context //nolint:containedctx // until Run returns; polls run under it
}

// Run polls until ctx ends, then drains: it starts no new poll, runs the tasks of
// the polls in flight and reports every task. What cannot be finished within the
// drain timeout is given back. It returns nil when no task is left in flight, a
// *[DrainError] otherwise, and [ErrAborted] after [Worker.Abort].
func (w *Worker) Run(ctx context.Context) error {
	if w.started.Swap(true) {
		return ErrRunning
	}
	reporting, stopReporting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopReporting()
	executing, stopExecuting := context.WithCancel(reporting)
	defer stopExecuting()
	polling, stopPolling := context.WithCancel(executing)
	defer stopPolling()
	ctxs := runContexts{polling: polling, executing: executing, reporting: reporting}

	for _, p := range w.pollers {
		w.running.Go(func() { p.run(ctxs) }) //nolint:contextcheck // the contexts are in ctxs
	}
	if w.opts.EnsureTaskDef != nil {
		go w.missingDefs.run(polling, w.opts.EnsureTaskDef)
	}
	select {
	case <-ctx.Done():
	case <-w.quota.done():
	case <-w.abort:
	}
	w.draining.Store(true)
	stopPolling()
	return w.drain(ctx, stopExecuting)
}

// Abort makes Run return at once. It may be called more than once.
func (w *Worker) Abort() { w.abortOnce.Do(func() { close(w.abort) }) }
