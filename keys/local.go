package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys/decode"
)

// localKey is a key whose private half is in this process. A closure holds it,
// so that reflection over a struct with the key finds only the address of code.
type localKey struct {
	traits
	private func() any // of the types of [decode.Key.Private]
	native  *nativeRSA // the same RSA key in a native library, or nil
}

var (
	_ Chained   = (*localKey)(nil)
	_ Accounted = (*localKey)(nil)
)

// Created implements Key.
func (k *localKey) Created() time.Time { return k.meta.created }

// Chain implements Chained.
func (k *localKey) Chain() []*x509.Certificate { return slices.Clone(k.meta.chain) }

// Account implements Accounted.
func (k *localKey) Account() string { return k.meta.account }

// Sign implements Key.
func (k *localKey) Sign(ctx context.Context, alg Algorithm, input []byte) ([]byte, error) {
	r, err := k.rowFor(alg)
	if err != nil {
		return nil, err
	}
	leave, err := k.meta.gate.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	signature, err := k.sign(r, string(input))
	if err != nil {
		return nil, k.refused()
	}
	return signature, nil
}

// refused is the error of a signature that failed. The text of the library is
// dropped, as it may describe the key. crypto/rsa verifies each signature; that
// fails where a factor is no prime.
func (k *localKey) refused() error {
	if k.kind == KindRSA || k.kind == KindRSAPSS {
		return &fault.Error{
			Reason: ErrInconsistent, Found: "this is an RSA key whose numbers do not belong together",
			Hint: "export the key again; this copy is damaged or was tampered with",
		}
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: fmt.Sprintf("the cryptographic library refused to sign with this key (%s)", k.kind),
		Hint: "check the key with conductor-jwt key inspect",
	}
}

// Unbind lets a key of this process sign with every algorithm of its type,
// although its JWK names one; step calls this subtle. Other keys are returned
// unchanged.
func Unbind(k Key) Key {
	local, ok := k.(*localKey)
	if !ok || local.meta.alg == "" {
		return k
	}
	private, _ := privateOf(local)
	m := local.meta
	m.alg = ""
	free, err := newLocal(private, m)
	if err != nil {
		return k
	}
	return free
}

// newKey checks a private key, of one of the types of [decode.Key.Private], and
// makes a Key of it. The public half that private holds is compared with the
// one that belongs to it; the caller need not have compared them.
func newKey(private any, m meta) (Key, error) {
	k, err := newLocal(private, m)
	if err != nil {
		return nil, err
	}
	if err := k.restrict(m.alg); err != nil {
		return nil, err
	}
	return k, nil
}

func newLocal(private any, m meta) (*localKey, error) {
	if err := decode.Check(private); err != nil {
		return nil, err
	}
	k := &localKey{meta: m, private: func() any { return private }}
	if s, ok := private.(decode.HMACSecret); ok {
		fitting, err := fittingSecret(len(s))
		k.kind, k.rows, k.secretLen = KindOct, fitting, len(s)
		return k, err
	}
	switch p := private.(type) {
	case decode.RSAPSS:
		k.public = &p.Key.PublicKey
		k.kind, k.rows = KindRSAPSS, fittingPublic(decode.RSAPSSPublic{Key: &p.Key.PublicKey, Hash: p.Hash})
		return k, nil
	case *secp256k1.PrivateKey:
		k.public = p.PubKey()
	case crypto.Signer:
		k.public = p.Public()
	}
	k.kind, k.rows = kindOfPublic(k.public), fittingPublic(k.public)
	return k, nil
}

// privateOf returns the private half of a key of this process; false for any
// other key.
func privateOf(k Key) (any, bool) {
	local, ok := k.(*localKey)
	if !ok {
		return nil, false
	}
	return local.private(), true
}
