package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"slices"
	"time"

	"conductor-jwt/internal/secret"
)

// Key is one immutable version of a private (or HMAC) key. It is safe for
// concurrent use and prints without its private half.
type Key interface {
	// ID is the key id of the key itself (a JWK's kid, a service account's
	// private_key_id); empty where it has none.
	ID() string
	// Public is the public half; nil for an HMAC key.
	Public() crypto.PublicKey
	// Algorithms are those that the key can sign with, its default first.
	Algorithms() []Algorithm
	// Created is the creation time; zero where it is unknown.
	Created() time.Time
	// Sign signs input, the JWS signing input, and returns the signature in
	// its JWS form (RFC 7515 §5.1, RFC 7518 §3). It fails with
	// [ErrAlgorithmMismatch] for an algorithm that is not one of Algorithms.
	Sign(ctx context.Context, alg Algorithm, input []byte) ([]byte, error)
}

// Chained is a Key with certificates, leaf first.
type Chained interface {
	Key
	Chain() []*x509.Certificate
}

// Accounted is a Key that belongs to an account.
type Accounted interface {
	Key
	// Account is the client_email of a Google service account file; empty for a
	// key in another form.
	Account() string
}

// Resolver turns a Ref into the Key to sign with.
type Resolver interface {
	Resolve(ctx context.Context, ref Ref) (Key, error)
}

// traits are what a key of this process and a verifier have in common.
type traits struct {
	secret.Opaque
	kind      Kind
	public    crypto.PublicKey // nil for an HMAC secret
	rows      []row            // the algorithms that fit, the default first
	secretLen int              // bytes of an HMAC secret
	meta      meta
}

// meta is what is known of a key beside its numbers.
type meta struct {
	id      string    // the key's own id; empty for PEM
	alg     Algorithm // a JWK's alg; empty means all that fit
	created time.Time
	chain   []*x509.Certificate // leaf first
	account string              // the client_email of a service account
	gate    *gate               // nil is open
}

// traitsOf returns the traits of a Key or a Verifier; nil for one of another
// package or of a key store.
func traitsOf(key any) *traits {
	switch k := key.(type) {
	case *localKey:
		return &k.traits
	case *verifier:
		return &k.traits
	}
	return nil
}

// ID implements Key and Verifier.
func (t *traits) ID() string { return t.meta.id }

// Public implements Key and Verifier.
func (t *traits) Public() crypto.PublicKey { return t.public }

// Algorithms implements Key and Verifier.
func (t *traits) Algorithms() []Algorithm { return namesOf(t.rows) }

// rowFor returns the row of alg, or the error of [Check].
func (t *traits) rowFor(alg Algorithm) (row, error) {
	if i := t.indexOf(alg); i >= 0 {
		return t.rows[i], nil
	}
	if err := t.tooShort(alg); err != nil {
		return row{}, err
	}
	if t.meta.alg != "" {
		return row{}, otherAlgorithm(alg, t.meta.alg)
	}
	return row{}, unfitAlgorithm(t.kind, alg, t.Algorithms())
}

// indexOf returns the place of alg in rows; -1 where it does not fit.
func (t *traits) indexOf(alg Algorithm) int {
	return slices.IndexFunc(t.rows, func(r row) bool { return r.name == alg })
}

// restrict leaves only alg, unless it is empty.
func (t *traits) restrict(alg Algorithm) error {
	if alg == "" {
		return nil
	}
	if i := t.indexOf(alg); i >= 0 {
		t.rows = t.rows[i : i+1 : i+1]
		return nil
	}
	if err := t.tooShort(alg); err != nil {
		return err
	}
	return unfitJWKAlg(t.kind, t.Algorithms())
}

// tooShort returns the error of an HMAC secret that is shorter than the hash of
// alg; nil for any other key or algorithm.
func (t *traits) tooShort(alg Algorithm) error {
	r := rowOf(alg)
	if t.kind != KindOct || t.secretLen >= r.secretLen {
		return nil
	}
	return weakHMAC(t.secretLen, r.secretLen)
}
