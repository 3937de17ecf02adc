package keyring

import (
	"cmp"
	"slices"
	"time"
)

// versions are those of one key, sorted by the time from which they sign. The slice
// does not change.
type versions []*version

// State is the state of a version.
type State string

// The states of a version, in their order.
const (
	Published State = "published" // in the JWK Set, and does not sign yet
	Active    State = "active"    // signs
	Retired   State = "retired"   // in the JWK Set until its last tokens have expired
)

// sorted returns a sorted copy of list.
func sorted(list []*version) versions {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *version) int {
		return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.kid, b.kid))
	})
	return list
}

// active returns the version that signs, or nil where there is no version.
func (vs versions) active(now time.Time) *version {
	i := vs.activeIndex(now)
	if i < 0 {
		return nil
	}
	return vs[i]
}

// activeIndex returns the last version whose time has come, or the first where
// there is none; -1 where there is no version.
func (vs versions) activeIndex(now time.Time) int {
	for i, v := range slices.Backward(vs) {
		if !v.from.After(now) {
			return i
		}
	}
	return min(0, len(vs)-1)
}

// publishedVersion is a version with its state.
type publishedVersion struct {
	*version
	state State
	until time.Time // end of its publication; zero: not known yet
}

// published returns the versions that belong into the JWK Set. A version is retired
// from the time of the next one, and removed retireAfter later.
func (vs versions) published(now time.Time, retireAfter time.Duration) []publishedVersion {
	active := vs.activeIndex(now)
	var list []publishedVersion
	for i, v := range vs {
		p := publishedVersion{version: v, state: Published}
		if i+1 < len(vs) {
			p.until = vs[i+1].from.Add(retireAfter)
		}
		switch {
		case i == active:
			p.state = Active
		case i < active:
			p.state = Retired
			if !now.Before(p.until) {
				continue
			}
		}
		list = append(list, p)
	}
	return list
}

// nextChange returns when the set of a key, or its active version, changes without a
// refresh; zero where it does not.
func (vs versions) nextChange(now time.Time, retireAfter time.Duration) time.Time {
	var next time.Time
	for _, p := range vs.published(now, retireAfter) {
		for _, at := range []time.Time{p.from, p.until} {
			if at.After(now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}
