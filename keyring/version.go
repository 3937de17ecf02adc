package keyring

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// version is one version of a named key. It implements [keys.Key] with the kid and
// the algorithms of the policy. A signature is made with one version from beginning
// to end: its kid, public key and store do not change.
type version struct {
	key        keys.Key
	kid        string // empty: none
	thumbprint string // RFC 7638; empty for a secret
	algorithms []keys.Algorithm
	from       time.Time          // when it begins to sign; zero: always
	store      *bulkhead.Bulkhead // nil for a key in memory
	verifier   keys.Verifier
}

var (
	_ keys.Chained   = (*version)(nil)
	_ keys.Accounted = (*version)(nil)
)

// newVersion returns a version with the key of a source, which signs in memory where
// s is nil. It refuses a key that the policy cannot use.
func newVersion(key keys.Key, k policy.Key, kid string, s *bulkhead.Bulkhead) (*version, error) {
	v := &version{key: key, store: s}
	var err error
	if key.Public() != nil {
		if v.thumbprint, err = keys.Thumbprint(key); err != nil {
			return nil, err
		}
	}
	v.kid = v.keyID(kid)
	if v.algorithms, err = restrict(key.Algorithms(), k.Algorithms); err != nil {
		return nil, err
	}
	if k.Publish && key.Public() == nil {
		return nil, &fault.Error{
			Reason: keys.ErrUnsupported, Found: "this is a secret key, which cannot be published",
			Hint: "leave publish out, or use a key with a public half",
		}
	}
	if s != nil {
		if v.verifier, err = keys.VerifierOf(key); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// keyID returns the kid that the policy says: none, the thumbprint or a text. The
// thumbprint of a secret is empty: it would help to guess the secret (RFC 7638 §7).
func (v *version) keyID(kid string) string {
	switch kid {
	case policy.KeyIDNone:
		return ""
	case policy.KeyIDThumbprint:
		return v.thumbprint
	}
	return kid
}

// revoked reports whether a list has the kid or the thumbprint of the version.
func (v *version) revoked(list []string) bool {
	return slices.ContainsFunc(list, func(kid string) bool { return kid == v.kid || kid == v.thumbprint })
}

// restrict returns those algorithms of a key that the policy allows, in the policy's
// order, or all where the policy lists none.
func restrict(all, allowed []keys.Algorithm) ([]keys.Algorithm, error) {
	if len(allowed) == 0 {
		return all, nil
	}
	var list []keys.Algorithm
	for _, alg := range allowed {
		if slices.Contains(all, alg) {
			list = append(list, alg)
		}
	}
	if len(list) == 0 {
		return nil, &fault.Error{
			Reason: keys.ErrAlgorithmMismatch, Found: "no listed algorithm fits the key",
			Hint: "correct algorithms, or leave it out",
		}
	}
	return list, nil
}

// ID implements [keys.Key].
func (v *version) ID() string { return v.kid }

// Public implements [keys.Key].
func (v *version) Public() crypto.PublicKey { return v.key.Public() }

// Algorithms implements [keys.Key].
func (v *version) Algorithms() []keys.Algorithm { return slices.Clone(v.algorithms) }

// Verifier gives the verifier of the key behind the name, to [keys.VerifierOf].
func (v *version) Verifier() (keys.Verifier, error) { return keys.VerifierOf(v.key) }

// Created implements [keys.Key].
func (v *version) Created() time.Time { return v.key.Created() }

// Chain implements [keys.Chained].
func (v *version) Chain() []*x509.Certificate {
	if chained, ok := v.key.(keys.Chained); ok {
		return chained.Chain()
	}
	return nil
}

// Account implements [keys.Accounted].
func (v *version) Account() string {
	if accounted, ok := v.key.(keys.Accounted); ok {
		return accounted.Account()
	}
	return ""
}

// maxCall is how long a store may take for a signature, or to list its versions.
const maxCall = 5 * time.Second

// Sign implements [keys.Key]. It verifies the signatures of a store, because a
// store may have replaced the version, use another salt length or be faulty.
func (v *version) Sign(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	if err := keys.Check(v, alg); err != nil {
		return nil, err
	}
	if v.store == nil {
		return v.key.Sign(ctx, alg, input)
	}
	release, err := v.store.Acquire()
	if err != nil {
		return nil, keys.Unavailable(notCalled(err))
	}
	end := keys.ErrUnavailable // of a call that panics
	defer func() { release(end) }()
	signature, err := v.call(ctx, alg, input)
	end = endOf(ctx, err)
	return signature, err
}

// notCalled says why a store is not called, and what to do.
func notCalled(err error) (found, hint string) {
	if errors.Is(err, bulkhead.ErrOpen) {
		return "the key store has failed several times in a row and is not called for now", "look at the key store"
	}
	return "the key store has as many calls in flight as it may have", "wait; or give the worker more slots"
}

func (v *version) call(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	bounded, cancel := context.WithTimeout(ctx, maxCall)
	defer cancel()
	signature, err := v.key.Sign(bounded, alg, input)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return nil, &fault.Error{
			Reason: keys.ErrUnavailable, Found: "the key store did not answer within " + maxCall.String(),
			Hint: "look at the key store", Cause: err,
		}
	}
	if err != nil {
		return nil, err
	}
	if v.verifier.Verify(alg, input, signature) != nil {
		return nil, keys.Unavailable("the key store made a signature that does not belong to the key", "look at the key store; the key's version may have been replaced")
	}
	return signature, nil
}

// endOf returns the end of a call for the circuit breaker: nil if the store answered,
// even with a refusal; [bulkhead.ErrUnknownEnd] if the task was cancelled; otherwise
// [keys.ErrUnavailable].
func endOf(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return bulkhead.ErrUnknownEnd
	}
	if ctx.Err() != nil || errors.Is(err, keys.ErrUnavailable) && !errors.Is(err, keys.ErrRefused) {
		return keys.ErrUnavailable
	}
	return nil
}
