package worker

import (
	"sync"
	"time"
)

// quiet is the time until which the server has asked for no polls, of whichever
// poller.
type quiet struct {
	mu  sync.Mutex
	end time.Time
}

// until extends it to d from now.
func (q *quiet) until(d time.Duration) {
	end := time.Now().Add(d)
	q.mu.Lock()
	defer q.mu.Unlock()
	if end.After(q.end) {
		q.end = end
	}
}

// left is how long that is still; 0 or less is no quiet.
func (q *quiet) left() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Until(q.end)
}
