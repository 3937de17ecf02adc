package worker

import (
	"context"
	"sync"
	"time"
)

// maxBatchWait is how long pollers leave a backlog to one of them whose poll is not
// answered.
const maxBatchWait = time.Second

// backlog lets one poller of a queue fetch what is queued. Two would share the slots
// that become free, and so need twice the polls, and the second would find the queue
// empty.
type backlog struct {
	mu      sync.Mutex
	fetcher *poller       // nil while no poller fetches the backlog
	began   time.Time     // of the fetcher's last poll
	ended   chan struct{} // closed when no poller fetches it any more
}

// begin makes p the fetcher for its next poll. It reports false if another poller is,
// unless that one has waited for an answer for maxBatchWait.
func (b *backlog) begin(p *poller) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	switch {
	case b.fetcher == nil:
		b.ended = make(chan struct{})
	case b.fetcher != p && now.Sub(b.began) < maxBatchWait:
		return false
	}
	b.fetcher, b.began = p, now
	return true
}

// end does nothing if p is not the fetcher.
func (b *backlog) end(p *poller) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fetcher == p {
		b.fetcher = nil
		close(b.ended)
	}
}

// wait waits while a poller fetches the backlog, up to maxBatchWait or until ctx ends.
func (b *backlog) wait(ctx context.Context) {
	b.mu.Lock()
	fetched, ended := b.fetcher != nil, b.ended
	b.mu.Unlock()
	if !fetched {
		return
	}
	select {
	case <-ended:
	case <-time.After(maxBatchWait):
	case <-ctx.Done():
	}
}
