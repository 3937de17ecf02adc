package keyring

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// firstRetry is how often a key that was never there is asked for: tasks wait
// for it.
const firstRetry = 5 * time.Second

// jitterShare is how much an interval differs from the next, so that replicas
// do not ask in step.
const jitterShare = 0.1

// Run keeps the versions of all keys fresh until ctx ends. Each key has a
// goroutine of its own, so that a store that hangs delays no other key.
func (r *Ring) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, n := range r.order {
		if n.delivered == "" {
			all.Go(func() { r.keepFresh(ctx, n) })
		}
	}
	all.Wait()
}

func (r *Ring) keepFresh(ctx context.Context, n *named) {
	for {
		timer := time.NewTimer(r.interval(n))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		r.tryRefresh(ctx, n)
	}
}

func (r *Ring) interval(n *named) time.Duration {
	whole := policy.Refresh
	if n.loaded.Load() == nil {
		whole = firstRetry
	}
	share := jitterShare * (2*rand.Float64() - 1) //nolint:gosec // when to ask is no secret
	return whole + time.Duration(share*float64(whole))
}

// tryRefresh keeps the old versions where there are no new ones to be had. A
// source that panics is as good as one that is away.
func (r *Ring) tryRefresh(ctx context.Context, n *named) {
	defer func() {
		if recover() != nil {
			r.failed(ctx, n, keys.Unavailable("the key's source panicked", "report it"))
		}
	}()
	_, err := r.refresh(ctx, n)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.failed(ctx, n, err)
	case n.failing.Swap(false):
		r.o.Logger.InfoContext(ctx, "a key is fresh again", "key", n.policy.Name)
	}
}

// failed says so once, until it is well again.
func (r *Ring) failed(ctx context.Context, n *named, err error) {
	n.failures.Add(1)
	if n.failing.Swap(true) {
		return
	}
	problem := "the source could not be asked"
	if e, ok := errors.AsType[*fault.Error](err); ok {
		problem = e.Error()
	}
	if n.loaded.Load() == nil {
		r.o.Logger.WarnContext(ctx, "a key is not there yet; its tasks wait", "key", n.policy.Name, "problem", problem)
		return
	}
	r.o.Logger.WarnContext(ctx, "a key could not be refreshed; the versions from before stay in use", "key", n.policy.Name, "problem", problem)
}
