package keyring

import (
	"cmp"
	"slices"
	"time"
)

// versions are those of one key, in the order of their turns; the newest is
// the last. The slice does not change.
type versions []*version

// State is where a version stands.
type State string

// The states, in their order.
const (
	Published State = "published" // verifiers are told, and it does not sign yet
	Active    State = "active"    // it signs
	Retired   State = "retired"   // its last tokens live
)

func inTurn(list []*version) versions {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *version) int {
		return cmp.Or(a.turn.Compare(b.turn), cmp.Compare(a.kid, b.kid))
	})
	return list
}

// active gives the version that signs: the newest whose turn has come. Where
// none has, the oldest signs; nil where there is none.
func (vs versions) active(now time.Time) *version {
	i := vs.activeIndex(now)
	if i < 0 {
		return nil
	}
	return vs[i]
}

func (vs versions) activeIndex(now time.Time) int {
	for i, v := range slices.Backward(vs) {
		if !v.turn.After(now) {
			return i
		}
	}
	return min(0, len(vs)-1)
}

// known is a version with its state.
type known struct {
	*version
	state State
	until time.Time // when it is no longer published; zero: nobody knows yet
}

// published gives the versions that verifiers are told. A version is retired
// when the next one's turn comes, and gone when its last token is.
func (vs versions) published(now time.Time, retireAfter time.Duration) []known {
	active := vs.activeIndex(now)
	var list []known
	for i, v := range vs {
		k := known{version: v, state: Published}
		if i+1 < len(vs) {
			k.until = vs[i+1].turn.Add(retireAfter)
		}
		switch {
		case i == active:
			k.state = Active
		case i < active:
			k.state = Retired
			if !now.Before(k.until) {
				continue
			}
		}
		list = append(list, k)
	}
	return list
}

// next is the next moment at which the set of a key, or its active version,
// changes by itself; zero where none is known.
func (vs versions) next(now time.Time, retireAfter time.Duration) time.Time {
	var next time.Time
	consider := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, k := range vs.published(now, retireAfter) {
		consider(k.turn)
		if !k.until.IsZero() {
			consider(k.until)
		}
	}
	return next
}
