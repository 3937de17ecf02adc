// Package worker is the engine: it polls Conductor, runs each task once, and
// reports until the server has acknowledged. It knows tasks, not keys.
//
// Its promise is at-least-once on the server's word: each delivery gets one
// terminal update or is given back, and where neither succeeds the server
// delivers it again after the response timeout of the task definition.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
	"conductor-jwt/task"
)

// Server is what the engine needs of Conductor. The in-memory ledger of
// test/conductortest is one too.
type Server interface {
	// Poll takes up to q.Count tasks, waiting up to q.Timeout for them. A task
	// that it returns is leased, so a poll is never cancelled in flight.
	Poll(ctx context.Context, q conductor.Query) ([]api.Task, error)
	// Update reports the end of a task. Only a nil error is an acknowledgement.
	Update(ctx context.Context, r api.Result) error
}

// Handler runs one task.
type Handler interface {
	Handle(ctx context.Context, d api.Task) task.Outcome
}

// Errors of a run.
var (
	ErrAborted = errors.New("worker: stopped at once, tasks in hand are left to the server")
	ErrRunning = errors.New("worker: a Worker runs once; make another with New")
)

// Worker polls, runs and reports. Make it with [New]; run it once.
type Worker struct {
	opts   Options
	log    *slog.Logger
	jitter jitter

	slots       *slots
	inFlight    *inFlight
	quota       *quota
	queues      []*queue
	missingDefs *missingDefs

	pollLog   *failureLog
	updateLog *failureLog

	started   atomic.Bool
	draining  atomic.Bool
	lost      atomic.Int64 // deliveries that ended unacknowledged since the drain began
	abandoned atomic.Int64 // handlers that were given up and still run
	pollPause pollPause

	abort      chan struct{}
	abortOnce  sync.Once
	running    sync.WaitGroup // pollers and tasks in hand
	heartbeats atomic.Pointer[[]*heartbeat]
}

// New checks the options and makes a Worker that has not started.
func New(o Options) (*Worker, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	w := &Worker{
		opts:        o,
		log:         o.Logger,
		jitter:      fullJitter,
		slots:       newSlots(o.Slots, len(o.TaskTypes)),
		inFlight:    newInFlight(),
		quota:       newQuota(o.Once),
		missingDefs: newMissingDefs(),
		abort:       make(chan struct{}),
		pollLog:     &failureLog{log: o.Logger, call: "poll"},
		updateLog:   &failureLog{log: o.Logger, call: "update"},
	}
	for i, taskType := range o.TaskTypes {
		w.queues = append(w.queues, &queue{index: i, taskType: taskType})
	}
	return w, nil
}

// runContexts are the lifetimes of a run, each within the next.
type runContexts struct {
	polling   context.Context //nolint:containedctx // three lifetimes travel together; until the drain begins
	executing context.Context //nolint:containedctx // until the drain is out of time
	reporting context.Context //nolint:containedctx // until nothing more can be done; polls run under it
}

// Run polls until ctx ends, then drains: no new poll, the polls in flight
// return and their tasks are run, every update is flushed. What cannot be
// finished within the drain timeout is given back. It returns nil when nothing
// is left in hand, a *[DrainError] otherwise, and [ErrAborted] after
// [Worker.Abort].
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

	w.start(ctxs) //nolint:contextcheck // the contexts are in ctxs
	select {
	case <-ctx.Done():
	case <-w.quota.done():
	case <-w.abort:
	}
	w.draining.Store(true)
	stopPolling()
	return w.drain(ctx, stopExecuting)
}

// Abort ends a run at once, as a second signal asks for.
func (w *Worker) Abort() { w.abortOnce.Do(func() { close(w.abort) }) }

func (w *Worker) start(ctxs runContexts) {
	epoch := time.Now()
	var heartbeats []*heartbeat
	for _, q := range w.queues {
		for i := range w.opts.Pollers {
			p := &poller{
				w: w, queue: q, epoch: epoch, phase: phaseOf(i, w.opts.Pollers),
				heartbeat: newHeartbeat(epoch), mode: longPoll,
			}
			if i == 0 {
				// A first look that does not wait: it fetches a backlog, and
				// tells at once whether the server is there.
				p.mode = probe
				q.pollsInFlight.Add(1)
				p.counted = true
			}
			heartbeats = append(heartbeats, p.heartbeat)
			w.running.Go(func() { p.run(ctxs) })
		}
	}
	w.heartbeats.Store(&heartbeats)
	if w.opts.EnsureTaskDef != nil {
		go w.missingDefs.run(ctxs.polling, w.opts.EnsureTaskDef)
	}
}

func (w *Worker) loops() []*heartbeat {
	if p := w.heartbeats.Load(); p != nil {
		return *p
	}
	return nil
}

// Options set up a [Worker]. Zero means the default; Server, Handler and
// TaskTypes have none.
type Options struct {
	Server    Server
	Handler   Handler
	TaskTypes []string // queues to poll; they share the slots

	Domain   string // of the queues; empty for none
	WorkerID string // default: host name
	Slots    int    // tasks in hand at once; default 8 a core, at least one for each type
	Pollers  int    // cold polls for each type; default 2
	// PollTimeout is how long the server may hold a cold poll; default and most
	// [conductor.MaxPollTimeout].
	PollTimeout  time.Duration
	DrainTimeout time.Duration // default 25 s
	Once         int           // stop after so many tasks; 0 never

	Logger   *slog.Logger // default: discards
	Observer Observer     // default: none

	// EnsureTaskDef is called, from one goroutine, for each task name that may
	// have no task definition, and again when later tasks of that name may have
	// none.
	EnsureTaskDef func(ctx context.Context, name string)
}

func (o *Options) setDefaults() {
	if o.Slots == 0 {
		o.Slots = max(8*runtime.GOMAXPROCS(0), len(o.TaskTypes))
	}
	if o.Pollers == 0 {
		o.Pollers = 2
	}
	if o.PollTimeout == 0 {
		o.PollTimeout = conductor.MaxPollTimeout
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = 25 * time.Second
	}
	if o.WorkerID == "" {
		if host, err := os.Hostname(); err == nil {
			o.WorkerID = host
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = noopObserver{}
	}
	o.TaskTypes = slices.Clone(o.TaskTypes)
}

func (o *Options) check() error {
	switch {
	case o.Server == nil || o.Handler == nil:
		return fmt.Errorf("worker: a Server and a Handler are needed")
	case len(o.TaskTypes) == 0 || slices.Contains(o.TaskTypes, ""):
		return fmt.Errorf("worker: %d task types, of which none may be empty; name at least one", len(o.TaskTypes))
	case o.repeatsType():
		return fmt.Errorf("worker: a task type is named twice; name each once")
	case o.Slots < len(o.TaskTypes):
		return fmt.Errorf("worker: %d slots for %d task types; set at least one for each", o.Slots, len(o.TaskTypes))
	case o.Pollers < 1:
		return fmt.Errorf("worker: %d pollers; set at least 1", o.Pollers)
	case o.PollTimeout < 0 || o.PollTimeout > conductor.MaxPollTimeout:
		return fmt.Errorf("worker: poll timeout of %s; the server takes up to %s", o.PollTimeout, conductor.MaxPollTimeout)
	case o.DrainTimeout < 0:
		return fmt.Errorf("worker: drain timeout of %s; set 0 or more", o.DrainTimeout)
	case o.Once < 0:
		return fmt.Errorf("worker: to stop after %d tasks; set 0 for never, or more", o.Once)
	}
	return nil
}

func (o *Options) repeatsType() bool {
	sorted := slices.Sorted(slices.Values(o.TaskTypes))
	return len(slices.Compact(sorted)) != len(o.TaskTypes)
}

// noopObserver discards every event.
type noopObserver struct{}

func (noopObserver) Polled(Polled)     {}
func (noopObserver) QueueFull(string)  {}
func (noopObserver) Received(string)   {}
func (noopObserver) Duplicate(string)  {}
func (noopObserver) Unbounded(string)  {}
func (noopObserver) Executed(Executed) {}
func (noopObserver) Updated(Updated)   {}
func (noopObserver) Ended(string, End) {}
func (noopObserver) Panicked()         {}
