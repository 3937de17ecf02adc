package worker

import (
	"context"
	"sync"
)

// mostNames bounds what is remembered of names that the server sends.
const mostNames = 1000

// unbounded remembers the task names whose definitions have no response
// timeout, and passes each on once.
type unbounded struct {
	mu    sync.Mutex
	seen  map[string]struct{}
	fresh chan string
}

func newUnbounded() *unbounded {
	return &unbounded{seen: make(map[string]struct{}), fresh: make(chan string, mostNames)}
}

// note reports whether the name is a new one.
func (u *unbounded) note(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.seen[name]; known || len(u.seen) >= mostNames {
		return false
	}
	u.seen[name] = struct{}{}
	u.fresh <- name // has room for as many as are remembered
	return true
}

func (u *unbounded) run(ctx context.Context, ensure func(context.Context, string)) {
	for {
		select {
		case name := <-u.fresh:
			ensure(ctx, name)
		case <-ctx.Done():
			return
		}
	}
}
