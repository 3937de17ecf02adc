package worker

import (
	"context"
	"slices"
	"sync"
	"time"
)

// slots bounds the tasks in flight. Every queue keeps one slot that no other
// queue can take. The others go to the first that asks; when none is free, the
// queue that holds the fewest is served first.
type slots struct {
	mu      sync.Mutex
	total   int
	free    int
	held    []int     // by queue
	polls   []int     // by queue: those of held that a poll for one task holds
	waiting []*waiter // in order of arrival
}

type waiter struct {
	queue   int
	urgent  bool
	want    int // slots, granted together
	granted chan struct{}
}

// newSlots needs total >= queues, so that each queue has its reserved slot.
func newSlots(total, queues int) *slots {
	return &slots{total: total, free: total, held: make([]int, queues), polls: make([]int, queues)}
}

// take waits until one slot is free for the queue, adds what else is free up to
// limit, and returns how many it took: 0 once ctx has ended. An urgent caller
// has tasks to fetch and is served before those that poll for one task. A caller
// that is not urgent takes one slot and returns it with releasePoll. beat is
// called every [beatInterval] during the wait.
func (s *slots) take(ctx context.Context, queue int, urgent bool, limit int, beat func()) int {
	if ctx.Err() != nil {
		return 0
	}
	s.mu.Lock()
	if n := s.grab(queue, limit); n > 0 {
		s.countPoll(queue, urgent)
		s.mu.Unlock()
		return n
	}
	w := &waiter{queue: queue, urgent: urgent, want: 1, granted: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()

	if !s.waitGranted(ctx, w, beat) {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return 1 + s.grab(queue, limit-1)
}

// gather waits up to d until n more slots are free for a queue, and takes those
// that are free then, up to n.
func (s *slots) gather(ctx context.Context, queue, n int, d time.Duration) int {
	if n <= 0 {
		return 0
	}
	s.mu.Lock()
	if s.room(queue) >= n {
		defer s.mu.Unlock()
		return s.grab(queue, n)
	}
	w := &waiter{queue: queue, urgent: true, want: n, granted: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()

	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.granted:
		return n
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, w)
	if i < 0 { // granted meanwhile
		return n
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return s.grab(queue, n)
}

// waitGranted reports whether w got its slot. If ctx ends first, a slot that was
// granted at the same moment is returned.
func (s *slots) waitGranted(ctx context.Context, w *waiter, beat func()) bool {
	if waitBeating(ctx, w.granted, beat) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return false
	}
	if !w.urgent {
		s.polls[w.queue]--
	}
	s.putBack(w.queue, 1)
	return false
}

// countPoll counts a slot that was granted to a poll for one task. The caller holds
// the lock, as for room, grab, putBack and next.
func (s *slots) countPoll(queue int, urgent bool) {
	if !urgent {
		s.polls[queue]++
	}
}

// releasePoll ends a poll for one task and returns n slots: 1 if it brought no
// task, otherwise 0.
func (s *slots) releasePoll(queue, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls[queue]--
	s.putBack(queue, n)
}

// release returns n slots.
func (s *slots) release(queue, n int) {
	if n <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putBack(queue, n)
}

// room is how many slots the queue could take now: the free ones, except those
// reserved for other queues that hold none.
func (s *slots) room(queue int) int {
	reserved := 0
	for q, held := range s.held {
		if q != queue && held == 0 {
			reserved++
		}
	}
	return s.free - reserved
}

// grab takes up to limit of the slots that are free now.
func (s *slots) grab(queue, limit int) int {
	n := max(0, min(limit, s.room(queue)))
	s.free -= n
	s.held[queue] += n
	return n
}

// putBack frees n slots and grants what is free to those that wait.
func (s *slots) putBack(queue, n int) {
	s.free += n
	s.held[queue] -= n
	for {
		i := s.next()
		if i < 0 {
			return
		}
		w := s.waiting[i]
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.grab(w.queue, w.want)
		s.countPoll(w.queue, w.urgent)
		close(w.granted)
	}
}

// next is the index of the waiter to serve: urgent ones first, then the queue
// that holds the fewest slots, then the first that came; -1 if there is none.
func (s *slots) next() int {
	best := -1
	for i, w := range s.waiting {
		if s.room(w.queue) >= w.want && (best < 0 || s.before(w, s.waiting[best])) {
			best = i
		}
	}
	return best
}

// before reports whether a is served before b.
func (s *slots) before(a, b *waiter) bool {
	if a.urgent != b.urgent {
		return a.urgent
	}
	return s.held[a.queue] < s.held[b.queue]
}

// full reports whether the queue has to wait for a task to end. A slot held by a
// poll for one task counts as free: that poll fetches the next task.
func (s *slots) full(queue int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room(queue) <= 0 && s.polls[queue] == 0
}

// inUse is how many slots are taken.
func (s *slots) inUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total - s.free
}
