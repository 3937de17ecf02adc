package keyring

import "time"

// Status is what is known of a named key.
type Status struct {
	Name     string
	Versions []VersionStatus // in the order of their turns; without those that are gone
	Publish  bool
	// Delivered is the secret that comes with each task as this key, which then
	// has no Versions; empty for a key of a store.
	Delivered string
	Refreshed time.Time // when its sources were last heard; zero: never
	Failures  int64     // refreshes that failed
	Failing   bool      // so did the last one
}

// VersionStatus is where one version stands.
type VersionStatus struct {
	KeyID     string
	Algorithm string // its default
	State     State
	Created   time.Time // zero where nobody knows
	From      time.Time // when it begins or began to sign; zero: always
	Until     time.Time // when it is no longer published; zero where nobody knows yet
}

// Since is when the version was made or, where nobody knows, began to sign;
// zero where nobody knows that either.
func (v VersionStatus) Since() time.Time {
	if v.Created.IsZero() {
		return v.From
	}
	return v.Created
}

// Status gives all keys, in the order of the file.
func (r *Ring) Status() []Status {
	now := r.o.Now()
	list := make([]Status, 0, len(r.order))
	for _, n := range r.order {
		s := Status{
			Name: n.policy.Name, Publish: n.policy.Publish, Delivered: n.delivered,
			Failures: n.failures.Load(), Failing: n.failing.Load(),
		}
		if l := n.loaded.Load(); l != nil {
			s.Refreshed = l.at
			for _, k := range l.versions.published(now, n.policy.RetireAfter) {
				v := VersionStatus{KeyID: k.kid, State: k.state, Created: k.Created(), From: k.turn, Until: k.until}
				if len(k.algorithms) > 0 {
					v.Algorithm = string(k.algorithms[0])
				}
				s.Versions = append(s.Versions, v)
			}
		}
		list = append(list, s)
	}
	return list
}
