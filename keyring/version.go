package keyring

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// version is one version of a named key. It implements [keys.Key] under the
// kid and with the algorithms that the operator gave it.
type version struct {
	key        keys.Key
	kid        string // empty: none
	thumbprint string // RFC 7638; empty for a secret
	algorithms []keys.Algorithm
	turn       time.Time // when it begins to sign; zero: always
	store      *store    // nil for a key of this process
	verifier   keys.Verifier
}

var (
	_ keys.Chained   = (*version)(nil)
	_ keys.Accounted = (*version)(nil)
)

// newVersion gives a key of a source its name to the outside.
func newVersion(key keys.Key, k policy.Key, kid string, at *store) (*version, error) {
	v := &version{key: key, store: at}
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
			Reason: keys.ErrUnsupported, Found: "a secret key, which cannot be published",
			Hint: "leave publish out, or use a key with a public half",
		}
	}
	if at != nil {
		if v.verifier, err = keys.VerifierOf(key); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// keyID is the thumbprint unless the operator says otherwise. A secret has
// none, since it would help whoever guesses (RFC 7638 §7).
func (v *version) keyID(said string) string {
	switch said {
	case policy.KeyIDNone:
		return ""
	case policy.KeyIDThumbprint:
		return v.thumbprint
	}
	return said
}

// revoked reports whether the operator's list names the version.
func (v *version) revoked(list []string) bool {
	return slices.ContainsFunc(list, func(kid string) bool { return kid == v.kid || kid == v.thumbprint })
}

// restrict keeps of the fitting algorithms those that the operator names, in
// the operator's order.
func restrict(fitting, named []keys.Algorithm) ([]keys.Algorithm, error) {
	if len(named) == 0 {
		return fitting, nil
	}
	var list []keys.Algorithm
	for _, alg := range named {
		if slices.Contains(fitting, alg) {
			list = append(list, alg)
		}
	}
	if len(list) == 0 {
		return nil, &fault.Error{
			Reason: keys.ErrAlgorithmMismatch, Found: "a key that none of its algorithms fits",
			Hint: "correct algorithms, or leave it out",
		}
	}
	return list, nil
}

// ID is the kid of the key's tokens.
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

// mostCall is how long a store may take for a signature.
const mostCall = 5 * time.Second

// Sign implements [keys.Key]. What a store made is verified before it leaves:
// a version that was swapped beneath its name, a wrong salt length or a faulty
// device is found here and not by a customer.
func (v *version) Sign(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	if err := keys.Check(v, alg); err != nil {
		return nil, err
	}
	if v.store == nil {
		return v.key.Sign(ctx, alg, input)
	}
	leave, err := v.store.enter()
	if err != nil {
		return nil, err
	}
	fault := keys.ErrUnavailable // of a call that panics
	defer func() { leave(fault) }()
	signature, err := v.call(ctx, alg, input)
	fault = callFault(ctx, err)
	return signature, err
}

func (v *version) call(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
	bounded, cancel := context.WithTimeout(ctx, mostCall)
	defer cancel()
	signature, err := v.key.Sign(bounded, alg, input)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return nil, &fault.Error{
			Reason: keys.ErrUnavailable, Found: "the key store did not answer within " + mostCall.String(),
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

// callFault is what a failed call says about the store: nothing where the
// task was given up by whoever waits for it, or where the store answered.
func callFault(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return errGivenUp
	}
	if ctx.Err() != nil || errors.Is(err, keys.ErrUnavailable) && !errors.Is(err, keys.ErrRefused) {
		return keys.ErrUnavailable
	}
	return nil
}
