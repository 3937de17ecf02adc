package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"time"
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
