package signer_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"math/big"
	"testing"
	"time"

	"conductor-jwt/keys"
)

// testKey is a key made of nothing but the standard library, so that these
// tests judge the signer and not package keys.
type testKey struct {
	private any // []byte, *ecdsa.PrivateKey or ed25519.PrivateKey
	algs    []keys.Algorithm
	id      string
}

func hmacKey(secret []byte, algs ...keys.Algorithm) *testKey {
	return &testKey{private: secret, algs: algs}
}

func ecKey(tb testing.TB) *testKey {
	tb.Helper()
	p, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return &testKey{private: p, algs: []keys.Algorithm{keys.ES256}}
}

func edKey() *testKey {
	return &testKey{
		private: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
		algs:    []keys.Algorithm{keys.EdDSA, keys.Ed25519},
	}
}

func (k *testKey) ID() string                   { return k.id }
func (k *testKey) Algorithms() []keys.Algorithm { return k.algs }
func (k *testKey) Created() time.Time           { return time.Time{} }

func (k *testKey) Public() crypto.PublicKey {
	if s, ok := k.private.(crypto.Signer); ok {
		return s.Public()
	}
	return nil
}

func (k *testKey) Sign(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	if err := keys.Check(k, alg); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(input)
	switch p := k.private.(type) {
	case []byte:
		return mac(p, input), nil
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, p, sum[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	case ed25519.PrivateKey:
		return ed25519.Sign(p, input), nil
	}
	return nil, errors.New("no such key")
}

func (k *testKey) Verify(_ keys.Algorithm, input, signature []byte) error {
	sum := sha256.Sum256(input)
	good := false
	switch p := k.private.(type) {
	case []byte:
		good = hmac.Equal(mac(p, input), signature)
	case *ecdsa.PrivateKey:
		good = len(signature) == 64 && ecdsa.Verify(&p.PublicKey, sum[:],
			new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case ed25519.PrivateKey:
		good = ed25519.Verify(ed25519.PublicKey(p[32:]), input, signature)
	}
	if !good {
		return keys.ErrVerification
	}
	return nil
}

func mac(secret, input []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(input)
	return h.Sum(nil)
}
