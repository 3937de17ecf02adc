package keyring

import (
	"errors"
	"sync"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Stores are the limits of the key stores. They outlive a Ring: the policy may
// be read anew while calls are under way. It is safe for concurrent use.
type Stores struct {
	most int
	now  func() time.Time

	mu   sync.Mutex
	list map[string]*store
}

// NewStores makes the limits for a worker of so many slots: a store holds a
// quarter of them at most, and one at least.
func NewStores(slots int, now func() time.Time) *Stores {
	return &Stores{most: max(1, slots/4), now: now, list: map[string]*store{}}
}

// of gives the limits of the store behind a scheme.
func (s *Stores) of(scheme string) *store {
	name := storeName(scheme)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list[name] == nil {
		s.list[name] = &store{name: name, slots: make(chan struct{}, s.most), now: s.now}
	}
	return s.list[name]
}

// storeName names the store: the two engines of Vault are one server.
func storeName(scheme string) string {
	if scheme == policy.SchemeVaultKV || scheme == policy.SchemeVaultTransit {
		return "vault"
	}
	return scheme
}

const (
	mostFailures = 5               // in a row open the breaker
	halfOpen     = 5 * time.Second // between two tries while it is open
)

// store is one key store: its places, and its breaker.
type store struct {
	name  string
	slots chan struct{}
	now   func() time.Time

	mu       sync.Mutex
	failures int       // in a row
	tried    time.Time // while open: when a call was last let through
}

// errGivenUp is the end of a call that says nothing about the store.
var errGivenUp = errors.New("given up by the caller")

// enter gives a place for one call, or fails at once with
// [keys.ErrUnavailable]: nobody waits in front of a store, for the slot would
// be lost to the tasks of other keys.
func (s *store) enter() (leave func(error), err error) {
	if !s.lets() {
		return nil, keys.Unavailable("the key store has failed several times in a row and is left alone for now", "look at the key store")
	}
	select {
	case s.slots <- struct{}{}:
		return func(err error) { s.leave(err); <-s.slots }, nil
	default:
		return nil, keys.Unavailable("the key store has as many calls in hand as it may have", "wait; or give the worker more slots")
	}
}

// lets reports whether the breaker lets a call through.
func (s *store) lets() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures < mostFailures {
		return true
	}
	if now := s.now(); now.Sub(s.tried) >= halfOpen {
		s.tried = now
		return true
	}
	return false
}

func (s *store) leave(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errGivenUp):
	case err == nil:
		s.failures = 0
	default:
		s.failures++
		if s.failures >= mostFailures {
			s.tried = s.now()
		}
	}
}

// open reports whether the breaker is open.
func (s *store) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures >= mostFailures
}

// Open names the stores whose breaker is open, and those whose is not.
func (s *Stores) Open() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make(map[string]bool, len(s.list))
	for name, store := range s.list {
		states[name] = store.open()
	}
	return states
}
