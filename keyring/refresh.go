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

// loaded is what the sources of a key said. It does not change.
type loaded struct {
	perEntry [][]*version
	versions versions  // of all, without the revoked ones
	at       time.Time // when all of them were last heard
}

// load asks all sources for the first time.
func (r *Ring) load(ctx context.Context, before *Ring) error {
	faults := make([]*policy.Error, len(r.order))
	var all sync.WaitGroup
	for i, n := range r.order {
		if n.delivered != "" {
			continue
		}
		all.Go(func() {
			at, err := r.refresh(ctx, n)
			switch {
			case err == nil:
			case errors.Is(err, keys.ErrUnavailable):
				n.inherit(before)
				r.failed(ctx, n, err)
			default:
				faults[i] = r.fault(at, err)
			}
		})
	}
	all.Wait()
	return policy.Join(append(faults, r.checkKeyIDs(ctx)...)...)
}

// inherit takes over what the ring before knew of the same key from the same
// sources.
func (n *named) inherit(before *Ring) {
	if before == nil {
		return
	}
	old, ok := before.names[n.policy.Name]
	if !ok || len(old.entries) != len(n.entries) {
		return
	}
	for i, e := range n.entries {
		if e.policy.Source != old.entries[i].policy.Source || !e.policy.From.Equal(old.entries[i].policy.From) || e.kid != old.entries[i].kid {
			return
		}
	}
	l := old.loaded.Load()
	if l == nil {
		return
	}
	perEntry := make([][]*version, len(n.entries))
	for i, list := range l.perEntry {
		for _, v := range list {
			again, err := n.entries[i].version(v.key, n.policy) // what may be done with it is the new policy's to say
			if err != nil {
				return
			}
			perEntry[i] = append(perEntry[i], again)
		}
	}
	n.loaded.Store(n.combine(perEntry, l.at))
}

// refresh asks all sources of a key and takes what they say as a whole, or
// nothing of it. It gives the version of the policy that failed.
func (r *Ring) refresh(ctx context.Context, n *named) (policy.Version, error) {
	n.refreshed.Lock()
	defer n.refreshed.Unlock()
	was := n.loaded.Load()
	next := make([][]*version, len(n.entries))
	for i, e := range n.entries {
		list, err := e.versions(ctx, n.policy)
		if err == nil && was != nil {
			err = e.checkSame(ctx, was.perEntry[i], list, r.o.Now())
		}
		if err != nil {
			return e.policy, err
		}
		next[i] = list
	}
	l := n.combine(next, r.o.Now())
	if kid := l.repeated(); kid {
		return n.policy.Versions[0], &fault.Error{
			Reason: keys.ErrAmbiguous, Found: "two versions with the same kid", Hint: "list each key once, with a kid of its own",
		}
	}
	n.loaded.Store(l)
	return policy.Version{}, nil
}

func (n *named) combine(perEntry [][]*version, at time.Time) *loaded {
	l := &loaded{perEntry: perEntry, at: at}
	for _, list := range perEntry {
		for _, v := range list {
			if !v.revoked(n.policy.Revoke) {
				l.versions = append(l.versions, v)
			}
		}
	}
	l.versions = inTurn(l.versions)
	return l
}

// repeated reports whether two versions have one kid.
func (l *loaded) repeated() bool {
	seen := map[string]bool{}
	for _, v := range l.versions {
		if v.kid != "" && seen[v.kid] {
			return true
		}
		seen[v.kid] = true
	}
	return false
}

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
