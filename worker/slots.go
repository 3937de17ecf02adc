package worker

import (
	"context"
	"slices"
	"sync"
)

// slots bounds the tasks in hand. Every task type keeps one slot that no other
// type can take; the rest goes to whoever asks while there is room, and under
// pressure to the type that holds least.
type slots struct {
	mu      sync.Mutex
	total   int
	free    int
	held    []int     // by task type
	polls   []int     // by task type: those of held that a poll for one task holds
	waiting []*waiter // in order of arrival
}

type waiter struct {
	queue   int
	urgent  bool
	granted chan struct{}
}

// newSlots needs total >= queues: then the reserved slots are always there.
func newSlots(total, queues int) *slots {
	return &slots{total: total, free: total, held: make([]int, queues), polls: make([]int, queues)}
}

// take waits until one slot is free for the task type, adds what else is free
// up to limit, and returns how many it took: none once ctx is done. A poller
// with work to fetch is urgent and goes before those that only listen. One that
// listens takes one slot and ends with releasePoll. beat is called now and then while
// waiting.
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
	w := &waiter{queue: queue, urgent: urgent, granted: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()

	if !s.waitGranted(ctx, w, beat) {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return 1 + s.grab(queue, limit-1)
}

// await reports whether the slot was granted; if ctx ends first, a slot that
// was granted at the same moment goes back.
func (s *slots) waitGranted(ctx context.Context, w *waiter, beat func()) bool {
	if waitBeating(ctx, w.granted, beat) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else {
		if !w.urgent {
			s.polls[w.queue]--
		}
		s.giveBack(w.queue, 1)
	}
	return false
}

func (s *slots) countPoll(queue int, urgent bool) {
	if !urgent {
		s.polls[queue]++
	}
}

// releasePoll ends the poll of one that listened, and gives n slots back: 1 where the
// poll brought no task.
func (s *slots) releasePoll(queue, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls[queue]--
	s.giveBack(queue, n)
}

// release gives n slots back.
func (s *slots) release(queue, n int) {
	if n <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(queue, n)
}

// room is what the task type could take now: all that is free but for the
// slots reserved for types that hold none.
func (s *slots) room(queue int) int {
	reserved := 0
	for k, held := range s.held {
		if k != queue && held == 0 {
			reserved++
		}
	}
	return s.free - reserved
}

func (s *slots) grab(queue, limit int) int {
	n := max(0, min(limit, s.room(queue)))
	s.free -= n
	s.held[queue] += n
	return n
}

func (s *slots) giveBack(queue, n int) {
	s.free += n
	s.held[queue] -= n
	for {
		i := s.next()
		if i < 0 {
			return
		}
		w := s.waiting[i]
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.grab(w.queue, 1)
		s.countPoll(w.queue, w.urgent)
		close(w.granted)
	}
}

// next is the waiter to serve: urgent ones first, then the type that holds
// least, then the first that came; -1 where nobody can be served.
func (s *slots) next() int {
	best := -1
	for i, w := range s.waiting {
		if s.room(w.queue) > 0 && (best < 0 || s.before(w, s.waiting[best])) {
			best = i
		}
	}
	return best
}

func (s *slots) before(a, b *waiter) bool {
	if a.urgent != b.urgent {
		return a.urgent
	}
	return s.held[a.queue] < s.held[b.queue]
}

// full reports whether the task type would have to wait for a task to end. A
// slot that a poll for one task holds is free: that poll fetches the next task.
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

// quota counts down the tasks of a run that stops by itself. Like a slot, its
// share is claimed before a poll, so that no task is taken beyond it. A nil
// quota has no end.
type quota struct {
	mu         sync.Mutex
	left       int // not claimed yet
	unfinished int // not ended yet
	changed    chan struct{}
	spent      chan struct{}
}

func newQuota(n int) *quota {
	if n <= 0 {
		return nil
	}
	return &quota{left: n, unfinished: n, changed: make(chan struct{}), spent: make(chan struct{})}
}

// claim takes up to limit; where it takes none, changed tells when to ask again.
func (q *quota) claim(limit int) (n int, changed <-chan struct{}) {
	if q == nil {
		return limit, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(limit, q.left)
	q.left -= n
	return n, q.changed
}

// unclaim gives back what brought no task.
func (q *quota) unclaim(n int) {
	if q == nil || n <= 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left += n
	close(q.changed)
	q.changed = make(chan struct{})
}

// ended counts a task that has come to its end.
func (q *quota) ended() {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.unfinished--; q.unfinished == 0 {
		close(q.spent)
	}
}

// done is closed when all have ended; nil, and so never ready, without a quota.
func (q *quota) done() <-chan struct{} {
	if q == nil {
		return nil
	}
	return q.spent
}
