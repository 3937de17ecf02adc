package keys

import (
	"context"
	"crypto"
	"encoding/asn1"
	"errors"
	"math/big"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// StoreOptions are what a key says of itself that lives in a key store.
type StoreOptions struct {
	ID         string
	Algorithms []Algorithm // those that the store serves, its default first; empty: all that fit its type
	Created    time.Time   // by the store's clock

	// Sign has the store sign input, the JWS signing input, and gives the
	// signature in its JWS form. An error that is no *[fault.Error] is taken for one
	// of [ErrUnavailable], and its text is dropped.
	Sign func(ctx context.Context, alg Algorithm, input []byte) ([]byte, error)
}

// FromStore makes a Key of what a key store keeps: its public half, and a call.
// It verifies nothing: package keyring does, before a signature leaves.
func FromStore(public crypto.PublicKey, o StoreOptions) (Key, error) {
	v, err := narrowVerifier(public, o.ID, o.Algorithms)
	if err != nil {
		return nil, err
	}
	return &storeKey{v, o}, nil
}

type storeKey struct {
	*verifier
	options StoreOptions
}

// Created implements [Key].
func (k *storeKey) Created() time.Time { return k.options.Created }

// Sign implements [Key].
func (k *storeKey) Sign(ctx context.Context, alg Algorithm, input []byte) ([]byte, error) {
	if err := k.check(alg); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, decode.TimedOut(ctx)
	}
	signature, err := k.options.Sign(ctx, alg, input)
	if err == nil {
		return signature, nil
	}
	if ctx.Err() != nil {
		return nil, decode.TimedOut(ctx)
	}
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		err = Unavailable("a key store that did not sign", "look at the key store")
	}
	return nil, err
}

// Unavailable is the error of a store that did not answer, or not with what it
// was asked for: one of [ErrUnavailable].
func Unavailable(found, hint string) error {
	return &fault.Error{Reason: ErrUnavailable, Found: found, Hint: hint}
}

// Refused is the error of a store that answered, and said no: one of
// [ErrUnavailable] and [ErrRefused].
func Refused(found, hint string) error {
	return &fault.Error{Reason: ErrUnavailable, Found: found, Hint: hint, Cause: ErrRefused}
}

// Digest gives the hash of input that alg signs (RFC 7518 §3.1), for a store
// that takes a digest in place of the message; nil for an algorithm without
// one, such as EdDSA.
func Digest(alg Algorithm, input []byte) []byte {
	switch alg {
	case RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES256K, ES384, ES512:
		return digestOf(digestHash(alg), string(input))
	}
	return nil
}

// JoinECDSA turns the DER of an ECDSA signature (RFC 3279 §2.2.3) into R || S,
// each as wide as the algorithm's curve (RFC 7518 §3.4). It fails with
// [ErrUnavailable]: the store answered with something else.
func JoinECDSA(alg Algorithm, der []byte) ([]byte, error) {
	size := map[Algorithm]int{ES256: 32, ES256K: 32, ES384: 48, ES512: 66}[alg]
	out, ok := joinDER(der, size)
	if !ok {
		return nil, Unavailable("an ecdsa signature of the wrong form", "look at the key store")
	}
	return out, nil
}

func joinDER(der []byte, size int) ([]byte, bool) {
	var parts struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &parts); err != nil || len(rest) > 0 {
		return nil, false
	}
	if parts.R.Sign() <= 0 || parts.S.Sign() <= 0 || parts.R.BitLen() > 8*size || parts.S.BitLen() > 8*size {
		return nil, false
	}
	out := make([]byte, 2*size)
	parts.R.FillBytes(out[:size])
	parts.S.FillBytes(out[size:])
	return out, true
}

// Dated gives a key of this process the time at which its store says that it
// came to be. Other keys are given back as they are.
func Dated(k Key, at time.Time) Key {
	local, ok := k.(*localKey)
	if !ok {
		return k
	}
	dated := *local
	dated.meta.created = at
	return &dated
}

// AlgorithmsOf lists the algorithms that fit a public key, its default first.
func AlgorithmsOf(public crypto.PublicKey) ([]Algorithm, error) {
	v, err := newVerifier(public, meta{})
	if err != nil {
		return nil, err
	}
	return v.algorithms, nil
}

// ReadPublic reads a public key as a store gives it: PEM, or DER. Every
// refusal is an *[fault.Error].
func ReadPublic(text string) (crypto.PublicKey, error) {
	return decode.Public(text)
}

// Source is where the versions of one configured key come from: a file, an
// entry or a key of a key store. It is safe for concurrent use. The stores
// below this package each have one; package keyring reads them and decides
// which version signs.
type Source interface {
	// Versions are all that the source has and that may be used, the oldest
	// first. It fails with [ErrUnavailable] where the store could not be
	// asked, which says nothing about the keys, and with any other sentinel of
	// this package where what it holds is no key to sign with.
	Versions(ctx context.Context) ([]Key, error)
	// Timed tells whether [Key.Created] of its versions is the store's own
	// record, by which every replica decides alike. Files, folders and
	// variables have none.
	Timed() bool
	// Remote tells whether signing calls the store, rather than this process.
	Remote() bool
}

// Scheme is a kind of source by the first part of its URI, such as "file".
// URIs come from the operator's configuration, never from a task: a URI in a
// task would read files and call addresses.
type Scheme interface {
	// Open checks the URI and makes its Source, without a call to the store.
	// It fails with [ErrUnsupported] or [ErrMissing] where the URI is wrong;
	// the message may name parts of the URI, which holds no secret.
	Open(uri string) (Source, error)
}
