package keyring

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// entry is one source of a key's versions.
type entry struct {
	policy policy.Version
	kid    string // as [policy.Key.KeyID]
	source keys.Source
	asked  chan struct{} // has room for one call
	store  *store        // nil where signing calls none
}

// open makes the entries of a key.
func (r *Ring) open(k policy.Key) ([]*entry, *policy.Error) {
	var list []*entry
	for _, v := range k.Versions {
		scheme, ok := r.o.Schemes[v.Scheme()]
		if !ok {
			return nil, r.o.Policy.Fault(v.Place, "this build has no "+v.Scheme()+": keys"+r.o.Elsewhere[v.Scheme()])
		}
		source, err := scheme.Open(v.Source)
		if err != nil {
			return nil, r.fault(v, err)
		}
		e := &entry{policy: v, kid: k.KeyID, source: source, asked: make(chan struct{}, 1)}
		if v.KeyID != "" {
			e.kid = v.KeyID
		}
		if source.Remote() {
			e.store = r.o.Stores.of(v.Scheme())
		}
		if len(k.Versions) > 1 && !source.Timed() && v.From.IsZero() {
			return nil, r.o.Policy.Fault(v.Place, "a version without from, whose source knows no time; write from")
		}
		list = append(list, e)
	}
	return list, nil
}

// fault places an error of a source in the policy file. Errors of package
// keys quote no value.
func (r *Ring) fault(v policy.Version, err error) *policy.Error {
	text := "the key cannot be read"
	if e, ok := errors.AsType[*fault.Error](err); ok {
		text = e.Error()
	}
	return r.o.Policy.Fault(v.Place, text)
}

// versions asks the source. Every fault is an *[fault.Error].
func (e *entry) versions(ctx context.Context, k policy.Key) ([]*version, error) {
	ctx, cancel := context.WithTimeout(ctx, mostCall)
	defer cancel()
	found, err := e.ask(ctx)
	if err != nil {
		if _, ok := errors.AsType[*fault.Error](err); !ok {
			err = &fault.Error{Reason: keys.ErrUnavailable, Found: "the key's source could not be asked", Hint: "look at the source", Cause: err}
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

// ask calls the source, and gives it up when ctx ends: one that hangs on a file
// or a module does not return then. It is not asked again until it has.
func (e *entry) ask(ctx context.Context) (found []keys.Key, err error) {
	select {
	case e.asked <- struct{}{}:
	default:
		return nil, keys.Unavailable("the key's source has not answered the last call yet", "look at the source")
	}
	ended := make(chan struct{})
	var list []keys.Key
	var fault error
	go func() {
		defer func() {
			if recover() != nil {
				list, fault = nil, keys.Unavailable("the key's source panicked", "report it")
			}
			<-e.asked
			close(ended)
		}()
		list, fault = e.source.Versions(ctx)
	}()
	select {
	case <-ended:
		return list, fault
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *entry) version(key keys.Key, k policy.Key) (*version, error) {
	v, err := newVersion(key, k, e.kid, e.store)
	if err == nil {
		v.turn = e.turn(key, k.ActivationDelay)
	}
	return v, err
}

// checkCount refuses several versions where nothing tells their turns, or
// their kids, apart.
func (e *entry) checkCount(found []keys.Key) error {
	switch {
	case len(found) == 0:
		return &fault.Error{Reason: keys.ErrMissing, Found: "a source without a key", Hint: "put one there"}
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
		Reason: keys.ErrAmbiguous, Found: fmt.Sprintf("a source with %d keys and %s", n, what),
		Hint: "list each under versions, with a source and from of its own",
	}
}

// turn is when a version begins to sign.
func (e *entry) turn(key keys.Key, delay time.Duration) time.Time {
	switch {
	case !e.policy.From.IsZero():
		return e.policy.From
	case e.source.Timed() && !key.Created().IsZero():
		return key.Created().Add(delay)
	}
	return key.Created()
}

// checkSame refuses what a source without times holds now, where that is not
// what it held: a replacement would sign before any verifier had heard of it,
// and on each replica at another moment. One whose turn is still to come may
// be replaced.
func (e *entry) checkSame(ctx context.Context, was, is []*version, now time.Time) error {
	if e.source.Timed() || len(was) == 0 || e.policy.From.After(now) {
		return nil
	}
	for _, v := range is {
		if v.turn.After(now) || has(ctx, was, v) {
			continue
		}
		return &fault.Error{
			Reason: keys.ErrAmbiguous, Found: "another key than before, without a time from which it may sign",
			Hint: "list both under versions with from; or reload the policy to use the new one at once",
		}
	}
	return nil
}

// has reports whether the key of a version is among others.
func has(ctx context.Context, list []*version, v *version) bool {
	for _, other := range list {
		if same(ctx, other, v) {
			return true
		}
	}
	return false
}

func same(ctx context.Context, a, b *version) bool {
	if a.key == b.key {
		return true
	}
	if a.thumbprint == "" { // a secret has no algorithm that a key with a public half has
		return sameSecret(ctx, a.key, b.key)
	}
	return a.thumbprint == b.thumbprint
}

// sameSecret compares HMAC keys by what they make of the same text: they show
// nothing else of themselves.
func sameSecret(ctx context.Context, a, b keys.Key) bool {
	algorithms := a.Algorithms()
	if len(algorithms) == 0 {
		return false
	}
	macA, errA := a.Sign(ctx, algorithms[0], []byte("same"))
	macB, errB := b.Sign(ctx, algorithms[0], []byte("same"))
	return errA == nil && errB == nil && hmac.Equal(macA, macB)
}

// deliveredName is the secret that a source of conductor: names.
func deliveredName(uri string) (string, bool) {
	return strings.CutPrefix(uri, policy.SchemeConductor+":")
}
