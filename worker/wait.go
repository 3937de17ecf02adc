package worker

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"conductor-jwt/conductor"
)

// rest waits for d or until ctx ends. It reports whether d passed.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// pause is a rest of a loop that has to show signs of life.
func sleepBeating(ctx context.Context, d time.Duration, beat func()) bool {
	for ; d > beatEvery; d -= beatEvery {
		if !sleep(ctx, beatEvery) {
			return false
		}
		beat()
	}
	return sleep(ctx, d)
}

// await is the same until a channel is closed.
func waitBeating(ctx context.Context, ready <-chan struct{}, beat func()) bool {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ready:
			return true
		case <-tick.C:
			beat()
		case <-ctx.Done():
			return false
		}
	}
}

// tick is how often a server with an SQL store looks for a task while a long
// poll waits: 100 ms and the time that the look takes, measured on 3.32.1.
const tick = 100700 * time.Microsecond

// phaseOf spreads the pollers of a queue over one tick, so that together they
// look k times as often as one of them.
func phaseOf(i, k int) time.Duration { return tick * time.Duration(i) / time.Duration(k) }

// sleepUntilPhase waits, before every cold poll, for the poller's own phase of the
// tick; spread only once, the polls drift together within a minute. It does not
// wait where no other poll of the queue is in flight: that would leave the
// queue unattended, and on a server that answers at once the wait would be the
// whole latency.
func (p *poller) sleepUntilPhase(ctx context.Context) bool {
	if p.queue.pollsInFlight.Load() == 0 {
		return ctx.Err() == nil
	}
	return sleep(ctx, untilPhase(time.Since(p.epoch), p.phase))
}

// untilPhase is the time from now to the next moment of the phase, both
// counted from one epoch.
func untilPhase(now, phase time.Duration) time.Duration {
	return ((phase-now)%tick + tick) % tick
}

// quiet is the time until which the server has asked for no polls, of whichever
// poller.
type pollPause struct {
	mu  sync.Mutex
	end time.Time
}

// until extends it to d from now.
func (q *pollPause) extend(d time.Duration) {
	end := time.Now().Add(d)
	q.mu.Lock()
	defer q.mu.Unlock()
	if end.After(q.end) {
		q.end = end
	}
}

// left is how long that is still; 0 or less is no quiet.
func (q *pollPause) remaining() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Until(q.end)
}

const (
	minBackoff       = 100 * time.Millisecond
	maxBackoff       = 5 * time.Second
	permanentBackoff = 5 * time.Second // where only a person can help
	permanentJitter  = time.Second     // spread over replicas that fail together
)

// jitter draws a time from 0 up to, and without, d.
type jitter func(d time.Duration) time.Duration

func fullJitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // spreads retries; guessing it gains nothing
}

// backoffLimit is the longest wait after so many failures in a row: 100 ms,
// doubling to 5 s.
func backoffLimit(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	return min(maxBackoff, minBackoff<<min(failures-1, 10))
}

// pollWait is how long a poller rests after its nth failure in a row. A
// Retry-After is a lower bound, so the jitter comes on top.
func pollWait(err *conductor.Error, failures int, j jitter) time.Duration {
	switch err.Class {
	case conductor.Forbidden, conductor.NotFound, conductor.Rejected:
		return permanentBackoff - permanentJitter/2 + j(permanentJitter)
	default:
		return withRetryAfter(err.RetryAfter, j(backoffLimit(failures)))
	}
}

// updateWait is the same for an update: only classes that heal come here.
func updateWait(err *conductor.Error, failures int, j jitter) time.Duration {
	return withRetryAfter(err.RetryAfter, j(backoffLimit(failures)))
}

func withRetryAfter(asked, drawn time.Duration) time.Duration {
	if asked <= 0 {
		return drawn
	}
	return min(conductor.MaxRetryAfter, asked+drawn)
}
