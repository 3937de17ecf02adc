package keys

import (
	"crypto"
	"crypto/rsa"
	"sync/atomic"
)

// RSASigner is an RSA key in a library of the system, for as long as the cache
// keeps it.
type RSASigner interface {
	crypto.Signer
	// Close frees the key. Sign fails from then on.
	Close()
}

// lent is a key in such a library.
type lent struct {
	signer RSASigner
	proven atomic.Bool // it has made a signature that verifies
}

// lend hands an RSA key to the faster library. It comes before anybody else
// sees the key.
func (p *Parser) lend(key Key) {
	local, ok := key.(*localKey)
	if !ok || p.options.RSA == nil || p.cache.kept == nil {
		return
	}
	private, ok := local.private().(*rsa.PrivateKey)
	if !ok {
		return
	}
	if s, err := p.options.RSA(private); err == nil {
		local.lent = &lent{signer: s}
	}
}

// reclaim frees what was lent. A task that still has the key signs on with
// crypto/rsa.
func reclaim(key Key) {
	if local, ok := key.(*localKey); ok && local.lent != nil {
		local.lent.signer.Close()
	}
}

// sign signs in the faster library if the key is lent to it, and with the
// method's own otherwise.
func (k *localKey) sign(alg Algorithm, input string) ([]byte, error) {
	if k.lent != nil {
		if signature, ok := k.lent.sign(alg, input, k.public); ok {
			return signature, nil
		}
	}
	return methodOf(alg).Sign(input, k.private())
}

// sign gives no signature that crypto/rsa would not give. That one verifies
// each: a device may err, and a key may have factors that are no primes.
// libcrypto does so against the first of these itself; against the second, one
// signature of a key is enough.
func (l *lent) sign(alg Algorithm, input string, public crypto.PublicKey) (signature []byte, ok bool) {
	signature, err := methodSigner{alg}.Sign(input, l.signer)
	if err != nil {
		return nil, false
	}
	if !l.proven.Load() {
		if methodOf(alg).Verify(input, signature, public) != nil {
			return nil, false
		}
		l.proven.Store(true)
	}
	return signature, true
}
