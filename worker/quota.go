package worker

import "sync"

// quota counts down the tasks of a run that stops by itself. As with slots, a
// share is claimed before a poll, so that no task is taken beyond the quota. A
// nil quota has no limit.
type quota struct {
	mu         sync.Mutex
	left       int // not claimed yet
	unfinished int
	changed    chan struct{} // closed and replaced when left grows
	spent      chan struct{} // closed when unfinished is 0
}

func newQuota(n int) *quota {
	if n <= 0 {
		return nil
	}
	return &quota{left: n, unfinished: n, changed: make(chan struct{}), spent: make(chan struct{})}
}

// claim takes up to limit. If n is 0, changed is closed when a new claim may
// succeed.
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

// unclaim returns the part of a claim that brought no task.
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

// ended counts a task that has ended.
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

// done is closed when all tasks have ended. Without a quota it is nil, which
// never becomes ready.
func (q *quota) done() <-chan struct{} {
	if q == nil {
		return nil
	}
	return q.spent
}
