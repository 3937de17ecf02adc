// Package keyring holds the keys that the operator names in the policy file. It reads
// their versions from key stores, refreshes them, selects the version that signs and
// publishes the public keys as JWK Sets.
//
// When a version begins to sign depends on times that every replica reads: those of
// the store, or of the policy file. Replicas therefore agree without communicating.
package keyring

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// Options configure a Ring. All fields but Policy are required.
type Options struct {
	Policy *policy.Policy // nil: no named keys
	Parser keys.Resolver  // for keys in tasks, and secrets that the server delivers with them

	// Schemes open the sources, by the scheme of their URI.
	Schemes map[string]keys.Scheme
	// Missing has a text for each scheme that a build may lack: which build has it.
	// It begins with a semicolon.
	Missing map[string]string

	// Stores limit the calls to the key stores. They outlive a Ring, because a reload
	// of the policy makes a new one while calls are in flight.
	Stores *bulkhead.Group
	Now    func() time.Time
	Logger *slog.Logger
}

// Ring resolves named keys, and passes all other references to the parser. It is
// safe for concurrent use.
type Ring struct {
	o     Options
	names map[string]*namedKey
	order []*namedKey // as in the file
}

var _ keys.Resolver = (*Ring)(nil)

// namedKey is one key of the policy file.
type namedKey struct {
	policy    policy.Key
	entries   []*entry
	delivered string // NAME of a source conductor:NAME; such a key has no entries

	loaded     atomic.Pointer[loadedVersions] // nil: never read
	refreshing sync.Mutex                     // one refresh at a time
	failures   atomic.Int64                   // failed refreshes
	failing    atomic.Bool                    // the last refresh failed
}

// New returns a Ring. It reads all sources at once, each for at most 5 s. For a
// source that is unavailable it takes the versions of the previous ring (serve
// stale) or, where that has none, leaves the key without versions until a refresh
// succeeds. Previous may be nil. Any other failure is a [*policy.Error].
func New(ctx context.Context, o Options, previous *Ring) (*Ring, error) {
	r := &Ring{o: o, names: map[string]*namedKey{}}
	if o.Policy == nil {
		return r, nil
	}
	var wrong []*policy.Error
	for _, k := range o.Policy.Keys {
		n := &namedKey{policy: k}
		if name, ok := deliveredName(k.Versions[0].Source); ok {
			n.delivered = name
		} else {
			entries, err := r.openEntries(k)
			wrong = append(wrong, err)
			n.entries = entries
		}
		r.names[k.Name], r.order = n, append(r.order, n)
	}
	if err := policy.Join(wrong...); err != nil {
		return nil, err
	}
	if err := r.load(ctx, previous); err != nil {
		return nil, err
	}
	return r, nil
}

// checkKeyIDs refuses different published keys with the same kid.
func (r *Ring) checkKeyIDs(ctx context.Context) []*policy.Error {
	var wrong []*policy.Error
	seen := map[string]*version{}
	for _, n := range r.order {
		loaded := n.loaded.Load()
		if loaded == nil || !n.policy.Publish {
			continue
		}
		for _, v := range loaded.versions {
			if other, ok := seen[v.kid]; ok && v.kid != "" && !isSameKey(ctx, other, v) {
				wrong = append(wrong, r.o.Policy.Fault(n.policy.Place, "kid: another published key has this kid; give each key its own"))
			}
			seen[v.kid] = v
		}
	}
	return wrong
}

// Resolve implements [keys.Resolver]. The key of a name is its active version.
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
		return r.resolveDelivered(ctx, n, ref)
	}
	loaded := n.loaded.Load()
	if loaded == nil {
		return nil, keys.Unavailable("the key could not be read from its store yet", "look at the key store")
	}
	v := loaded.versions.active(r.o.Now())
	if v == nil {
		return nil, &fault.Error{
			Reason: keys.ErrUnknown, Found: "every version of the key is revoked", Hint: "have a new one configured",
		}
	}
	return v, nil
}

// resolveDelivered parses the secret that the server delivers with the task, because
// the task's definition lists it under runtimeMetadata.
func (r *Ring) resolveDelivered(ctx context.Context, n *namedKey, ref keys.Ref) (keys.Key, error) {
	text, ok := ref.Delivered[n.delivered]
	if !ok || strings.TrimSpace(text.Reveal()) == "" {
		return nil, &fault.Error{
			Reason: keys.ErrUnknown, Found: "the task has no delivered secret with the name in the key's source",
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
		return nil, &fault.Error{Reason: keys.ErrUnknown, Found: "the key that was delivered with the task is revoked", Hint: "have a new one defined on the server"}
	}
	return v, nil
}

// Active returns the version of a named key that signs now, or nil where none does:
// the name is not configured, or each version is revoked. Known is false where that
// cannot be told: the key was not read yet, or comes with each task.
func (r *Ring) Active(name string) (key keys.Key, known bool) {
	n, ok := r.names[name]
	if !ok {
		return nil, true
	}
	loaded := n.loaded.Load()
	if loaded == nil {
		return nil, false
	}
	if v := loaded.versions.active(r.o.Now()); v != nil {
		return v, true
	}
	return nil, true
}
