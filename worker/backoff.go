package worker

import (
	"math/rand/v2"
	"time"

	"conductor-jwt/conductor"
)

const (
	firstWait  = 100 * time.Millisecond
	mostWait   = 5 * time.Second
	fixedWait  = 5 * time.Second // where only a person can help
	fixedSlack = time.Second     // spread over replicas that fail together
)

// jitter draws a time from 0 up to, and without, d.
type jitter func(d time.Duration) time.Duration

func fullJitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // spreads retries; guessing it gains nothing
}

// ceiling is the longest wait after so many failures in a row: 100 ms,
// doubling to 5 s.
func ceiling(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	return min(mostWait, firstWait<<min(failures-1, 10))
}

// pollWait is how long a poller rests after its nth failure in a row. A
// Retry-After is a lower bound, so the jitter comes on top.
func pollWait(err *conductor.Error, failures int, j jitter) time.Duration {
	switch err.Class {
	case conductor.Forbidden, conductor.NotFound, conductor.Rejected:
		return fixedWait - fixedSlack/2 + j(fixedSlack)
	default:
		return afterServer(err.RetryAfter, j(ceiling(failures)))
	}
}

// updateWait is the same for an update: only classes that heal come here.
func updateWait(err *conductor.Error, failures int, j jitter) time.Duration {
	return afterServer(err.RetryAfter, j(ceiling(failures)))
}

func afterServer(asked, drawn time.Duration) time.Duration {
	if asked <= 0 {
		return drawn
	}
	return min(conductor.MaxRetryAfter, asked+drawn)
}
