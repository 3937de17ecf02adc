// Package keyring holds the keys that the operator has named: which versions
// each has, which of them signs, and which of them verifiers are told.
//
//	policy.Key -> entry (one source)            entry.go: asks the source, refuses what is no key
//	  -> versions, in the order of their turn   versions.go: published, active, retired, gone
//	    -> Ring.Resolve gives the active one    ring.go
//	    -> Ring.Set gives the public ones       set.go
//
// A version is what a signature is made with from beginning to end: its kid,
// its public key and its store cannot change in between (version.go). What a
// store makes is verified before it leaves; a store that is slow or away
// keeps a quarter of the slots at most (bulkhead.go).
//
// All that depends on time follows from times that every replica sees: the
// store's own, or those in the policy file. Replicas therefore agree without
// speaking to one another.
package keyring

import (
	"context"
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
