package worker

import (
	"context"
	"time"
)

// rest waits for d or until ctx ends. It reports whether d passed.
func rest(ctx context.Context, d time.Duration) bool {
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
func pause(ctx context.Context, d time.Duration, beat func()) bool {
	for ; d > beatEvery; d -= beatEvery {
		if !rest(ctx, beatEvery) {
			return false
		}
		beat()
	}
	return rest(ctx, d)
}

// await is the same until a channel is closed.
func await(ctx context.Context, ready <-chan struct{}, beat func()) bool {
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
