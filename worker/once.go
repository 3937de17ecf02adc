package worker

import "sync"

// quota counts down the tasks of a run that stops by itself. Like a slot, its
// share is claimed before a poll, so that no task is taken beyond it. A nil
// quota has no end.
type quota struct {
	mu      sync.Mutex
	left    int // not claimed yet
	toEnd   int // not ended yet
	changed chan struct{}
	spent   chan struct{}
}

func newQuota(n int) *quota {
	if n <= 0 {
		return nil
	}
	return &quota{left: n, toEnd: n, changed: make(chan struct{}), spent: make(chan struct{})}
}

// claim takes up to most; where it takes none, changed tells when to ask again.
func (q *quota) claim(most int) (n int, changed <-chan struct{}) {
	if q == nil {
		return most, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(most, q.left)
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
	if q.toEnd--; q.toEnd == 0 {
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
