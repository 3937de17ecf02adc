package keyring

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// loadedVersions are the versions of a key at one time. They do not change.
type loadedVersions struct {
	perEntry [][]*version
	versions versions  // of all entries, without revoked ones
	at       time.Time // when the sources were read
}

// newLoadedVersions joins the versions of all entries of a key.
func newLoadedVersions(k policy.Key, perEntry [][]*version, at time.Time) *loadedVersions {
	var list []*version
	for _, v := range slices.Concat(perEntry...) {
		if !v.revoked(k.Revoke) {
			list = append(list, v)
		}
	}
	return &loadedVersions{perEntry: perEntry, versions: sorted(list), at: at}
}

// repeatsKeyID reports whether two versions have the same kid.
func (l *loadedVersions) repeatsKeyID() bool {
	seen := map[string]bool{}
	for _, v := range l.versions {
		if v.kid != "" && seen[v.kid] {
			return true
		}
		seen[v.kid] = true
	}
	return false
}

// load reads all sources for the first time.
func (r *Ring) load(ctx context.Context, previous *Ring) error {
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
				n.takeOver(previous)
				r.failed(ctx, n, err)
			default:
				faults[i] = r.fault(at, err)
			}
		})
	}
	all.Wait()
	return policy.Join(append(faults, r.checkKeyIDs(ctx)...)...)
}

// takeOver takes the versions of the previous ring's key of the same name, where it
// has the same sources. The new policy decides how they are used.
func (n *namedKey) takeOver(previous *Ring) {
	if previous == nil {
		return
	}
	old, ok := previous.names[n.policy.Name]
	if !ok || !slices.EqualFunc(n.entries, old.entries, isSameEntry) {
		return
	}
	loaded := old.loaded.Load()
	if loaded == nil {
		return
	}
	perEntry := make([][]*version, len(n.entries))
	for i, list := range loaded.perEntry {
		for _, v := range list {
			taken, err := n.entries[i].version(v.key, n.policy)
			if err != nil {
				return
			}
			perEntry[i] = append(perEntry[i], taken)
		}
	}
	n.loaded.Store(newLoadedVersions(n.policy, perEntry, loaded.at))
}

func isSameEntry(a, b *entry) bool {
	return a.policy.Source == b.policy.Source && a.policy.From.Equal(b.policy.From) && a.kid == b.kid
}

// refresh reads all sources of a key. It replaces the key's versions only where all
// can be read; otherwise it returns the entry of the policy that failed.
func (r *Ring) refresh(ctx context.Context, n *namedKey) (policy.Version, error) {
	n.refreshing.Lock()
	defer n.refreshing.Unlock()
	previous := n.loaded.Load()
	perEntry := make([][]*version, len(n.entries))
	for i, e := range n.entries {
		list, err := e.versions(ctx, n.policy)
		if err == nil && previous != nil {
			err = e.checkReplaced(ctx, previous.perEntry[i], list, r.o.Now())
		}
		if err != nil {
			return e.policy, err
		}
		perEntry[i] = list
	}
	loaded := newLoadedVersions(n.policy, perEntry, r.o.Now())
	if loaded.repeatsKeyID() {
		return n.policy.Versions[0], &fault.Error{
			Reason: keys.ErrAmbiguous, Found: "two versions have the same kid", Hint: "list each key once, with a kid of its own",
		}
	}
	n.loaded.Store(loaded)
	return policy.Version{}, nil
}

// Intervals between two reads of a key's sources. Each differs by up to a tenth, so
// that replicas do not read in step.
const (
	retryInterval = 5 * time.Second // of a key that was never read, because tasks wait for it
	jitterShare   = 0.1
)

// Run refreshes the versions of all keys until ctx ends. Each key has a goroutine of
// its own, so that a store that hangs delays no other key.
func (r *Ring) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, n := range r.order {
		if n.delivered == "" {
			all.Go(func() { r.keepFresh(ctx, n) })
		}
	}
	all.Wait()
}

func (r *Ring) keepFresh(ctx context.Context, n *namedKey) {
	for {
		timer := time.NewTimer(n.interval())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		r.tryRefresh(ctx, n)
	}
}

func (n *namedKey) interval() time.Duration {
	interval := policy.Refresh
	if n.loaded.Load() == nil {
		interval = retryInterval
	}
	share := jitterShare * (2*rand.Float64() - 1) //nolint:gosec // when a source is read is no secret
	return interval + time.Duration(share*float64(interval))
}

// tryRefresh keeps the versions in use where a refresh fails.
func (r *Ring) tryRefresh(ctx context.Context, n *namedKey) {
	defer func() {
		if recover() != nil {
			r.failed(ctx, n, errPanic())
		}
	}()
	_, err := r.refresh(ctx, n)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.failed(ctx, n, err)
	case n.failing.Swap(false):
		r.o.Logger.InfoContext(ctx, "a key can be refreshed again", "key", n.policy.Name)
	}
}

// failed counts a failed refresh, and logs the first one in a row.
func (r *Ring) failed(ctx context.Context, n *namedKey, err error) {
	n.failures.Add(1)
	if n.failing.Swap(true) {
		return
	}
	problem := "the source cannot be read"
	if e, ok := errors.AsType[*fault.Error](err); ok {
		problem = e.Error()
	}
	if n.loaded.Load() == nil {
		r.o.Logger.WarnContext(ctx, "a key could not be loaded yet; its tasks wait", "key", n.policy.Name, "problem", problem)
		return
	}
	r.o.Logger.WarnContext(ctx, "a key could not be refreshed; its previous versions stay in use", "key", n.policy.Name, "problem", problem)
}
