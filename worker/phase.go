package worker

import (
	"context"
	"time"
)

// tick is how often a server with an SQL store looks for a task while a long
// poll waits: 100 ms and the time that the look takes, measured on 3.32.1.
const tick = 100700 * time.Microsecond

// phaseOf spreads the pollers of a queue over one tick, so that together they
// look k times as often as one of them.
func phaseOf(i, k int) time.Duration { return tick * time.Duration(i) / time.Duration(k) }

// awaitPhase waits, before every cold poll, for the poller's own phase of the
// tick; spread only once, the polls drift together within a minute. It does not
// wait where no other poll of the queue is in flight: that would leave the
// queue unattended, and on a server that answers at once the wait would be the
// whole latency.
func (p *poller) awaitPhase(ctx context.Context) bool {
	if p.queue.attended.Load() == 0 {
		return ctx.Err() == nil
	}
	return rest(ctx, untilPhase(time.Since(p.epoch), p.phase))
}

// untilPhase is the time from now to the next moment of the phase, both
// counted from one epoch.
func untilPhase(now, phase time.Duration) time.Duration {
	return ((phase-now)%tick + tick) % tick
}
