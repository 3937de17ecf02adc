// Package bulkhead limits the calls to a service that may be slow or down: how many
// are in flight, and whether it is called at all after failures in a row (circuit
// breaker).
package bulkhead

import (
	"errors"
	"sync"
	"time"
)

const (
	maxFailures   = 5               // in a row, after which the breaker opens
	probeInterval = 5 * time.Second // between two calls while it is open
)

// The errors of [Bulkhead.Acquire].
var (
	ErrOpen = errors.New("circuit breaker open")
	ErrFull = errors.New("bulkhead full")
)

// ErrUnknownEnd is the end of a call that shows nothing about the service.
var ErrUnknownEnd = errors.New("the caller gave up")

// Quarter returns how many of a worker's slots one service may use: a quarter, and at
// least one.
func Quarter(slots int) int { return max(1, slots/4) }

// Bulkhead limits the calls to one service. It is safe for concurrent use.
type Bulkhead struct {
	calls chan struct{} // in flight
	now   func() time.Time

	mu       sync.Mutex
	failures int       // in a row
	probed   time.Time // when the open breaker last allowed a call
}

// New returns a Bulkhead for at most maxCalls calls at once.
func New(maxCalls int, now func() time.Time) *Bulkhead {
	return &Bulkhead{calls: make(chan struct{}, maxCalls), now: now}
}

// Acquire reserves a call. Release must be called with the call's end: nil,
// [ErrUnknownEnd] or a failure of the service. Acquire does not wait, because a task
// that waits keeps a slot from other tasks: it fails with [ErrOpen] or [ErrFull].
func (b *Bulkhead) Acquire() (release func(error), err error) {
	if !b.allows() {
		return nil, ErrOpen
	}
	select {
	case b.calls <- struct{}{}:
		return func(err error) { b.record(err); <-b.calls }, nil
	default:
		return nil, ErrFull
	}
}

// allows reports whether the breaker allows a call.
func (b *Bulkhead) allows() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < maxFailures {
		return true
	}
	if now := b.now(); now.Sub(b.probed) >= probeInterval {
		b.probed = now
		return true
	}
	return false
}

// record counts how a call ended.
func (b *Bulkhead) record(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case errors.Is(err, ErrUnknownEnd):
	case err == nil:
		b.failures = 0
	default:
		b.failures++
		if b.failures >= maxFailures {
			b.probed = b.now()
		}
	}
}

// Open reports whether the breaker is open.
func (b *Bulkhead) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= maxFailures
}

// Group keeps a Bulkhead for each service of a closed set. It is safe for concurrent
// use.
type Group struct {
	maxCalls int
	now      func() time.Time

	mu   sync.Mutex
	list map[string]*Bulkhead
}

// NewGroup returns the Bulkheads of a worker with a number of slots: each service may
// use a [Quarter] of them.
func NewGroup(slots int, now func() time.Time) *Group {
	return &Group{maxCalls: Quarter(slots), now: now, list: map[string]*Bulkhead{}}
}

// Of returns the Bulkhead of a service.
func (g *Group) Of(name string) *Bulkhead {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.list[name] == nil {
		g.list[name] = New(g.maxCalls, g.now)
	}
	return g.list[name]
}

// Open reports for each service whether its breaker is open.
func (g *Group) Open() map[string]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	states := make(map[string]bool, len(g.list))
	for name, b := range g.list {
		states[name] = b.Open()
	}
	return states
}
