package worker

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxNames bounds what is remembered of names that the server sends.
	maxNames = 1000
	// askAgain is the least time between two rounds of questions for task
	// definitions.
	askAgain = 5 * time.Second
	// serverResponseTimeout is what the server gives a SIMPLE task that has no
	// task definition, and a definition that sets no response timeout.
	serverResponseTimeout = time.Hour
)

// mayLackTaskDef reports whether a task with this response timeout may have no
// task definition. The server sends one that it made up where there is none:
// without a timeout, or for a SIMPLE task with an hour.
func mayLackTaskDef(responseTimeout time.Duration) bool {
	return responseTimeout <= 0 || responseTimeout == serverResponseTimeout
}

// undefined collects the names of tasks that may have no task definition, for
// one goroutine that asks the server. A name is asked for again when a task of
// it was scheduled after those that it was asked for: the definition may have
// been deleted in between.
type undefined struct {
	mu     sync.Mutex
	newest map[string]time.Time // when the last task of each name was scheduled
	due    []string
	wake   chan struct{}
}

func newUndefined() *undefined {
	return &undefined{newest: make(map[string]time.Time), wake: make(chan struct{}, 1)}
}

// note adds a task's name. It reports whether the name is a new one.
func (u *undefined) note(name string, scheduled time.Time) bool {
	if name == "" {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	newest, known := u.newest[name]
	if known && !scheduled.After(newest) || !known && len(u.newest) >= maxNames {
		return false
	}
	u.newest[name] = scheduled
	if slices.Contains(u.due, name) {
		return !known
	}
	u.due = append(u.due, name)
	select {
	case u.wake <- struct{}{}:
	default:
	}
	return !known
}

// take returns the names to ask for now.
func (u *undefined) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	names := u.due
	u.due = nil
	return names
}

func (u *undefined) run(ctx context.Context, ensure func(context.Context, string)) {
	for {
		select {
		case <-u.wake:
		case <-ctx.Done():
			return
		}
		for _, name := range u.take() {
			ensure(ctx, name)
		}
		if !rest(ctx, askAgain) {
			return
		}
	}
}
