package worker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"time"

	"conductor-jwt/conductor"
)

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
