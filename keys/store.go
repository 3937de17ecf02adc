package keys

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"math/big"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// StoreOptions describe a key in a key store.
type StoreOptions struct {
	ID         string
	Algorithms []Algorithm // those that the store serves, its default first; empty means all that fit its type
	Created    time.Time   // by the store's clock

	// Sign has the store sign input, the JWS signing input, and returns the
	// signature in its JWS form. An error that is no *[fault.Error] becomes
	// [ErrUnavailable], and its text is dropped.
	Sign func(ctx context.Context, alg Algorithm, input []byte) ([]byte, error)
}

// FromStore makes a Key of a public key and a call to its store. It does not
// verify signatures: package keyring does.
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
	if _, err := k.rowFor(alg); err != nil {
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
		err = Unavailable("the key store did not sign", "look at the key store")
	}
	return nil, err
}

// Unavailable returns an error of [ErrUnavailable]: the store did not answer,
// or not as expected.
func Unavailable(found, hint string) error {
	return &fault.Error{Reason: ErrUnavailable, Found: found, Hint: hint}
}

// Refused returns an error of [ErrUnavailable] and [ErrRefused]: the store
// answered and refused.
func Refused(found, hint string) error {
	return &fault.Error{Reason: ErrUnavailable, Found: found, Hint: hint, Cause: ErrRefused}
}

// Digest returns the hash of input that alg signs (RFC 7518 §3.1), for a store
// that signs digests; nil for an algorithm without one, such as EdDSA.
func Digest(alg Algorithm, input []byte) []byte {
	if r := rowOf(alg); r.hash != 0 {
		return digestOf(r.hash, string(input))
	}
	return nil
}

// JoinECDSA turns the DER of an ECDSA signature (RFC 3279 §2.2.3) into R || S,
// each as wide as the curve of alg (RFC 7518 §3.4). It fails with
// [ErrUnavailable] where der is something else.
func JoinECDSA(alg Algorithm, der []byte) ([]byte, error) {
	out, ok := joinDER(der, rowOf(alg).width)
	if !ok {
		return nil, Unavailable("the key store returned an ECDSA signature of the wrong form", "look at the key store")
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

// Dated returns a key of this process with the creation time that its store
// has. Other keys are returned unchanged.
func Dated(k Key, at time.Time) Key {
	local, ok := k.(*localKey)
	if !ok {
		return k
	}
	dated := *local
	dated.meta.created = at
	return &dated
}

// AlgorithmsOf returns the algorithms that fit a public key, its default first.
func AlgorithmsOf(public crypto.PublicKey) ([]Algorithm, error) {
	v, err := newVerifier(public, meta{})
	if err != nil {
		return nil, err
	}
	return namesOf(v.rows), nil
}

// ReadPublic reads a public key of a store: PEM or DER. Every error is an
// *[fault.Error].
func ReadPublic(text string) (crypto.PublicKey, error) {
	return decode.Public(text)
}

// RSAPublic makes a public key of a modulus and an exponent in big-endian order;
// false without a modulus, or for an exponent of more than 31 bits.
func RSAPublic(n, e []byte) (*rsa.PublicKey, bool) {
	exponent := new(big.Int).SetBytes(e)
	if len(n) == 0 || exponent.BitLen() > 31 {
		return nil, false
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, true
}

// Source reads the versions of one configured key, from a file, an entry or a
// key of a key store. It is safe for concurrent use. Each store below this
// package has one; package keyring decides which version signs.
type Source interface {
	// Versions returns all usable versions, the oldest first. It fails with
	// [ErrUnavailable] where the store could not be asked, which says nothing
	// about the keys, and with another reason of this package where what it
	// holds cannot sign.
	Versions(ctx context.Context) ([]Key, error)
	// Timed reports whether [Key.Created] of its versions is the store's own
	// record, so that every replica decides alike. Files, folders and variables
	// have none.
	Timed() bool
	// Remote reports whether signing calls the store.
	Remote() bool
}

// Scheme opens sources by the scheme of their URI, such as "file". URIs come
// from the operator's configuration, never from a task: a URI in a task would
// read files and call addresses.
type Scheme interface {
	// Open checks the URI and returns its Source, without a call to the store.
	// It fails with [ErrUnsupported] or [ErrMissing] for a wrong URI; the
	// message may name parts of it, as it holds no secret.
	Open(uri string) (Source, error)
}
