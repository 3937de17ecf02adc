package keyring

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// entry is one entry of a key's versions in the policy file. Its source may hold
// several versions.
type entry struct {
	policy  policy.Version
	kid     string // in the form of [policy.Key.KeyID]
	source  keys.Source
	reading chan struct{}      // has room for one call
	store   *bulkhead.Bulkhead // nil: its keys sign in memory
}

// openEntries opens the sources of a key.
func (r *Ring) openEntries(k policy.Key) ([]*entry, *policy.Error) {
	var list []*entry
	for _, v := range k.Versions {
		scheme, ok := r.o.Schemes[v.Scheme()]
		if !ok {
			return nil, r.o.Policy.Fault(v.Place, "source: this build has no "+v.Scheme()+": keys"+r.o.Missing[v.Scheme()])
		}
		source, err := scheme.Open(v.Source)
		if err != nil {
			return nil, r.fault(v, err)
		}
		e := &entry{policy: v, kid: k.KeyID, source: source, reading: make(chan struct{}, 1)}
		if v.KeyID != "" {
			e.kid = v.KeyID
		}
		if source.Remote() {
			e.store = r.o.Stores.Of(storeName(v.Scheme()))
		}
		if len(k.Versions) > 1 && !source.Timed() && v.From.IsZero() {
			return nil, r.o.Policy.Fault(v.Place, "from: the version has no from, and its source no creation time; write from: 2027-01-31T00:00:00Z, at least "+strings.TrimSuffix(policy.MinActivationDelay.String(), "0s")+" after it is published")
		}
		list = append(list, e)
	}
	return list, nil
}

// storeName returns the name of a scheme's store: the two engines of Vault are one
// server.
func storeName(scheme string) string {
	if scheme == policy.SchemeVaultKV || scheme == policy.SchemeVaultTransit {
		return "vault"
	}
	return scheme
}

// fault returns an error of a source at its place in the policy file.
func (r *Ring) fault(v policy.Version, err error) *policy.Error {
	text := "the key cannot be read"
	if e, ok := errors.AsType[*fault.Error](err); ok {
		text = e.Error()
	}
	return r.o.Policy.Fault(v.Place, "source: "+text)
}

// versions reads the versions of the source. Its error is a [*fault.Error].
func (e *entry) versions(ctx context.Context, k policy.Key) ([]*version, error) {
	ctx, cancel := context.WithTimeout(ctx, maxCall)
	defer cancel()
	found, err := e.read(ctx)
	if err != nil {
		if _, ok := errors.AsType[*fault.Error](err); !ok {
			err = &fault.Error{Reason: keys.ErrUnavailable, Found: "the key's source cannot be read", Hint: "look at the source", Cause: err}
		}
		return nil, err
	}
	if err := e.checkCount(found); err != nil {
		return nil, err
	}
	list := make([]*version, 0, len(found))
	for _, key := range found {
		v, err := e.version(key, k)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// read calls the source until ctx ends. A call that hangs on a file or a module may
// not return then; read does not call the source again until it has returned.
func (e *entry) read(ctx context.Context) (found []keys.Key, err error) {
	select {
	case e.reading <- struct{}{}:
	default:
		return nil, keys.Unavailable("the key's source has not yet answered the last call", "look at the source")
	}
	type result struct {
		keys []keys.Key
		err  error
	}
	ended := make(chan result, 1)
	go func() {
		r := result{err: errPanic()}
		defer func() {
			_ = recover() // r then has its first value
			<-e.reading
			ended <- r
		}()
		list, err := e.source.Versions(ctx)
		r = result{list, err}
	}()
	select {
	case r := <-ended:
		return r.keys, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// errPanic is the error of a source that panics: it counts as unavailable.
func errPanic() error { return keys.Unavailable("the key's source panicked", "report it") }

func (e *entry) version(key keys.Key, k policy.Key) (*version, error) {
	v, err := newVersion(key, k, e.kid, e.store)
	if err == nil {
		v.from = e.from(key, k.ActivationDelay)
	}
	return v, err
}

// checkCount refuses several versions that would have the same kid, or of which it
// is not known when each signs.
func (e *entry) checkCount(found []keys.Key) error {
	switch {
	case len(found) == 0:
		return &fault.Error{Reason: keys.ErrMissing, Found: "the source has no key", Hint: "store a key there"}
	case len(found) == 1:
		return nil
	case !e.policy.From.IsZero():
		return ambiguous(len(found), "one from")
	case e.kid != policy.KeyIDThumbprint && e.kid != policy.KeyIDNone:
		return ambiguous(len(found), "one kid")
	}
	if e.source.Timed() {
		return nil
	}
	for _, key := range found {
		if key.Created().IsZero() {
			return ambiguous(len(found), "no time from which each may sign")
		}
	}
	return nil
}

func ambiguous(n int, what string) error {
	return &fault.Error{
		Reason: keys.ErrAmbiguous, Found: fmt.Sprintf("the source has %d keys and %s", n, what),
		Hint: "list each under versions, with a source and from of its own",
	}
}

// from returns when a version begins to sign; zero: always.
func (e *entry) from(key keys.Key, delay time.Duration) time.Time {
	switch {
	case !e.policy.From.IsZero():
		return e.policy.From
	case e.source.Timed() && !key.Created().IsZero():
		return key.Created().Add(delay)
	}
	return key.Created()
}

// checkReplaced refuses a replaced key in a source without times: it would sign
// before any verifier has read it, and on each replica at another time. A key that
// does not sign yet may be replaced.
func (e *entry) checkReplaced(ctx context.Context, previous, current []*version, now time.Time) error {
	if e.source.Timed() || len(previous) == 0 || e.policy.From.After(now) {
		return nil
	}
	for _, v := range current {
		if v.from.After(now) || contains(ctx, previous, v) {
			continue
		}
		return &fault.Error{
			Reason: keys.ErrAmbiguous, Found: "the source has another key than before, without a time from which it may sign",
			Hint: "list both under versions with from; or reload the policy to use the new one at once",
		}
	}
	return nil
}

// contains reports whether a list has a version with the same key.
func contains(ctx context.Context, list []*version, v *version) bool {
	return slices.ContainsFunc(list, func(other *version) bool { return isSameKey(ctx, other, v) })
}

func isSameKey(ctx context.Context, a, b *version) bool {
	if a.key == b.key {
		return true
	}
	if a.thumbprint == "" { // a secret
		return isSameSecret(ctx, a.key, b.key)
	}
	return a.thumbprint == b.thumbprint
}

// isSameSecret compares two HMAC keys by their MACs of one text, because a key does
// not give its secret away. A key with a public half has none of a secret's
// algorithms and fails to sign.
func isSameSecret(ctx context.Context, a, b keys.Key) bool {
	algorithms := a.Algorithms()
	if len(algorithms) == 0 {
		return false
	}
	macA, errA := a.Sign(ctx, algorithms[0], []byte("same key?"))
	macB, errB := b.Sign(ctx, algorithms[0], []byte("same key?"))
	return errA == nil && errB == nil && hmac.Equal(macA, macB)
}

// deliveredName returns the name of the secret that a source conductor:NAME is.
func deliveredName(uri string) (string, bool) {
	return strings.CutPrefix(uri, policy.SchemeConductor+":")
}
