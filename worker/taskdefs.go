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
	// askAgain is how often the definitions of known names are asked for again.
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
// one goroutine that asks the server: at once for a new name, and again within
// [askAgain] when a task of it was scheduled after those that it was asked for,
// since the definition may have been deleted in between.
type undefined struct {
	fresh chan string

	mu     sync.Mutex
	newest map[string]time.Time // when the last task of each name was scheduled
	again  []string
}

func newUndefined() *undefined {
	return &undefined{fresh: make(chan string, maxNames), newest: make(map[string]time.Time)}
}

// note adds a task's name. It reports whether the name is a new one.
func (u *undefined) note(name string, scheduled time.Time) bool {
	if name == "" {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	newest, known := u.newest[name]
	switch {
	case !known && len(u.newest) < maxNames:
		u.newest[name] = scheduled
		u.fresh <- name // has room for as many as are remembered
		return true
	case known && scheduled.After(newest):
		u.newest[name] = scheduled
		if !slices.Contains(u.again, name) {
			u.again = append(u.again, name)
		}
	}
	return false
}

// take returns the names to ask for again.
func (u *undefined) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	names := u.again
	u.again = nil
	return names
}

func (u *undefined) run(ctx context.Context, ensure func(context.Context, string)) {
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for {
		select {
		case name := <-u.fresh:
			ensure(ctx, name)
		case <-tick.C:
			for _, name := range u.take() {
				ensure(ctx, name)
			}
		case <-ctx.Done():
			return
		}
	}
}
