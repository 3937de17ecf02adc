package keyring

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Options are what a Ring is made of. Every field is needed, except Policy.
type Options struct {
	Policy *policy.Policy // nil: no key has a name
	Parser keys.Resolver  // for keys in tasks, and those that the server delivers with them

	// Schemes open the sources, by the scheme of their URI.
	Schemes map[string]keys.Scheme
	// Elsewhere says of a scheme that this build does not have where it is: "; the
	// native edition has them".
	Elsewhere map[string]string

	Stores *Stores
	Now    func() time.Time
	Logger *slog.Logger
}

// Ring resolves keys by the names that the operator gave them, and gives
// everything else to the parser. It is safe for concurrent use.
type Ring struct {
	o     Options
	names map[string]*named
	order []*named // of the file
}

var _ keys.Resolver = (*Ring)(nil)

// named is one key.
type named struct {
	policy    policy.Key
	entries   []*entry
	delivered string // the secret of conductor:NAME; then there are no entries

	loaded    atomic.Pointer[loaded]
	refreshed sync.Mutex   // one refresh at a time
	failures  atomic.Int64 // refreshes that failed
	failing   atomic.Bool  // so did the last one
}

// loaded is what the sources of a key said. It does not change.
type loaded struct {
	perEntry [][]*version
	versions versions  // of all, without the revoked ones
	at       time.Time // when all of them were last heard
}

// New makes a Ring and asks every source once, all at the same time and for a
// few seconds at most. A source that cannot be asked is no mistake: of the
// ring before it, if there is one, the versions are taken over, and else the
// key is not there yet. All other errors are a [*policy.Error].
func New(ctx context.Context, o Options, before *Ring) (*Ring, error) {
	r := &Ring{o: o, names: map[string]*named{}}
	if o.Policy == nil {
		return r, nil
	}
	var wrong []*policy.Error
	for _, k := range o.Policy.Keys {
		n := &named{policy: k}
		if name, ok := deliveredName(k.Versions[0].Source); ok {
			n.delivered = name
		} else {
			entries, err := r.open(k)
			wrong = append(wrong, err)
			n.entries = entries
		}
		r.names[k.Name], r.order = n, append(r.order, n)
	}
	if err := policy.Join(wrong...); err != nil {
		return nil, err
	}
	if err := r.load(ctx, before); err != nil {
		return nil, err
	}
	return r, nil
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

// checkKeyIDs refuses published keys that verifiers could not tell apart.
func (r *Ring) checkKeyIDs(ctx context.Context) []*policy.Error {
	var wrong []*policy.Error
	seen := map[string]*version{}
	for _, n := range r.order {
		l := n.loaded.Load()
		if l == nil || !n.policy.Publish {
			continue
		}
		for _, v := range l.versions {
			if other, ok := seen[v.kid]; ok && v.kid != "" && !same(ctx, other, v) {
				wrong = append(wrong, r.o.Policy.Fault(n.policy.Place, "it has a kid that another published key has; give each its own"))
			}
			seen[v.kid] = v
		}
	}
	return wrong
}

// Resolve gives the key of a name, pinned to the version that signs now, and
// reads the key that comes in the task otherwise.
func (r *Ring) Resolve(ctx context.Context, ref keys.Ref) (keys.Key, error) {
	if ref.Name == "" {
		return r.o.Parser.Resolve(ctx, ref)
	}
	n, ok := r.names[ref.Name]
	if !ok {
		return nil, &fault.Error{
			Reason: keys.ErrUnknown, Found: "no key of this name is configured", Hint: "correct the name, or have the key configured on every worker",
		}
	}
	if n.delivered != "" {
		return r.deliver(ctx, n, ref)
	}
	l := n.loaded.Load()
	if l == nil {
		return nil, keys.Unavailable("the key could not be had from its store yet", "look at the key store")
	}
	v := l.versions.active(r.o.Now())
	if v == nil {
		return nil, &fault.Error{
			Reason: keys.ErrUnknown, Found: "every version of the key is revoked", Hint: "have a new one configured",
		}
	}
	return v, nil
}

// deliver reads the key that the server sent with the task (runtimeMetadata),
// as the task's definition asks it to.
func (r *Ring) deliver(ctx context.Context, n *named, ref keys.Ref) (keys.Key, error) {
	text, ok := ref.Delivered[n.delivered]
	if !ok || strings.TrimSpace(text.Reveal()) == "" {
		return nil, &fault.Error{
			Reason: keys.ErrUnknown, Found: "the task brought no secret of the name that the key's source says",
			Hint: "list it under runtimeMetadata in the task's definition, and define it on the server",
		}
	}
	key, err := r.o.Parser.Resolve(ctx, keys.Ref{Text: text})
	if err != nil {
		return nil, err
	}
	kid := n.policy.KeyID
	if own := n.policy.Versions[0].KeyID; own != "" {
		kid = own
	}
	v, err := newVersion(key, n.policy, kid, nil)
	if err != nil {
		return nil, err
	}
	if v.revoked(n.policy.Revoke) {
		return nil, &fault.Error{Reason: keys.ErrUnknown, Found: "the key that the task brought is revoked", Hint: "have a new one defined on the server"}
	}
	return v, nil
}
