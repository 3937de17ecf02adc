package keyring

import (
	"errors"
	"sync"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Stores keeps a bulkhead and a circuit breaker for each key store. It outlives a
// [Ring], because a reload of the policy makes a new one while calls are in
// flight. It is safe for concurrent use.
type Stores struct {
	maxCalls int
	now      func() time.Time

	mu   sync.Mutex
	list map[string]*store
}

// NewStores returns the limits of a worker with a number of slots: a store may use
// a quarter of them, and at least one.
func NewStores(slots int, now func() time.Time) *Stores {
	return &Stores{maxCalls: max(1, slots/4), now: now, list: map[string]*store{}}
}

// of returns the store behind a scheme.
func (s *Stores) of(scheme string) *store {
	name := storeName(scheme)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list[name] == nil {
		s.list[name] = &store{calls: make(chan struct{}, s.maxCalls), now: s.now}
	}
	return s.list[name]
}

// storeName returns the name of a scheme's store: the two engines of Vault are one
// server.
func storeName(scheme string) string {
	if scheme == policy.SchemeVaultKV || scheme == policy.SchemeVaultTransit {
		return "vault"
	}
	return scheme
}

// Open reports for each store whether its breaker is open.
func (s *Stores) Open() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make(map[string]bool, len(s.list))
	for name, store := range s.list {
		states[name] = store.open()
	}
	return states
}

const (
	maxFailures   = 5               // in a row, after which the breaker opens
	probeInterval = 5 * time.Second // between two calls while it is open
)

// store is the bulkhead and the breaker of one key store.
type store struct {
	calls chan struct{} // in flight
	now   func() time.Time

	mu       sync.Mutex
	failures int       // in a row
	probed   time.Time // when the open breaker last allowed a call
}

// errUnknownEnd is the end of a call that shows nothing about the store.
var errUnknownEnd = errors.New("the caller gave up")

// acquire reserves a call. Release must be called with the call's end: nil,
// errUnknownEnd or a failure of the store. Acquire does not wait, because a task
// that waits for a store keeps a slot from the tasks of other keys: it fails with
// [keys.ErrUnavailable].
func (s *store) acquire() (release func(error), err error) {
	if !s.allows() {
		return nil, keys.Unavailable("the key store has failed several times in a row and is not called for now", "look at the key store")
	}
	select {
	case s.calls <- struct{}{}:
		return func(err error) { s.record(err); <-s.calls }, nil
	default:
		return nil, keys.Unavailable("the key store has as many calls in flight as it may have", "wait; or give the worker more slots")
	}
}

// allows reports whether the breaker allows a call.
func (s *store) allows() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures < maxFailures {
		return true
	}
	if now := s.now(); now.Sub(s.probed) >= probeInterval {
		s.probed = now
		return true
	}
	return false
}

// record counts how a call ended.
func (s *store) record(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errUnknownEnd):
	case err == nil:
		s.failures = 0
	default:
		s.failures++
		if s.failures >= maxFailures {
			s.probed = s.now()
		}
	}
}

// open reports whether the breaker is open.
func (s *store) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures >= maxFailures
}
