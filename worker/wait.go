package worker

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"conductor-jwt/conductor"
)

// sleep waits for d or until ctx ends. It reports whether d passed.
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

// sleepBeating is sleep for a polling loop: it calls beat every [beatInterval].
func sleepBeating(ctx context.Context, d time.Duration, beat func()) bool {
	for ; d > beatInterval; d -= beatInterval {
		if !sleep(ctx, beatInterval) {
			return false
		}
		beat()
	}
	return sleep(ctx, d)
}

// waitBeating waits until ready is closed or ctx ends, and calls beat every
// [beatInterval]. It reports whether ready was closed.
func waitBeating(ctx context.Context, ready <-chan struct{}, beat func()) bool {
	ticker := time.NewTicker(beatInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ready:
			return true
		case <-ticker.C:
			beat()
		case <-ctx.Done():
			return false
		}
	}
}

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second

	// permanentBackoff follows a failure that only a person can repair. Its
	// jitter spreads replicas that fail together.
	permanentBackoff = 5 * time.Second
	permanentJitter  = time.Second
)

// jitter is a function that returns a random duration from 0 up to, but not
// including, d.
type jitter func(d time.Duration) time.Duration

func fullJitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // spreads retries; guessing it gains nothing
}

// backoffLimit is the longest backoff after so many failures in a row: 100 ms,
// doubling to 5 s.
func backoffLimit(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	return min(maxBackoff, minBackoff<<min(failures-1, 10))
}

// pollBackoff is how long a poller waits after its nth failure in a row.
func pollBackoff(err *conductor.Error, failures int, j jitter) time.Duration {
	switch err.Class {
	case conductor.Forbidden, conductor.NotFound, conductor.Rejected:
		return permanentBackoff - permanentJitter/2 + j(permanentJitter)
	default:
		return retryBackoff(err, failures, j)
	}
}

// retryBackoff is how long a call waits after its nth failure in a row.
// Retry-After is a lower bound, so the jitter is added to it.
func retryBackoff(err *conductor.Error, failures int, j jitter) time.Duration {
	backoff := j(backoffLimit(failures))
	if err.RetryAfter <= 0 {
		return backoff
	}
	return min(conductor.MaxRetryAfter, err.RetryAfter+backoff)
}

// pollPause holds back the polls of all pollers after a Retry-After.
type pollPause struct {
	mu  sync.Mutex
	end time.Time
}

// extend makes the pause last for d from now, unless it lasts longer already.
func (p *pollPause) extend(d time.Duration) {
	end := time.Now().Add(d)
	p.mu.Lock()
	defer p.mu.Unlock()
	if end.After(p.end) {
		p.end = end
	}
}

// remaining is the time until the pause ends; 0 or less if there is none.
func (p *pollPause) remaining() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.end)
}

// tick is how often a server with an SQL store looks for a task during a long
// poll: every 100 ms, plus the time of the query, measured on 3.32.1.
const tick = 100700 * time.Microsecond

// phaseOf spreads the k pollers of a queue evenly over one tick, so that
// together they look k times as often as one of them.
func phaseOf(i, k int) time.Duration { return tick * time.Duration(i) / time.Duration(k) }

// untilPhase is the time from now to the next moment of the phase. Both are
// counted from the same epoch.
func untilPhase(now, phase time.Duration) time.Duration {
	return ((phase-now)%tick + tick) % tick
}
