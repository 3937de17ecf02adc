package keys

import (
	"crypto"
	"crypto/rsa"
	"sync/atomic"
)

// RSASigner is an RSA key in a native library, for as long as the cache keeps
// it.
type RSASigner interface {
	crypto.Signer
	// Close frees the key. Sign fails from then on.
	Close()
}

// nativeRSA is an RSA key in a native library.
type nativeRSA struct {
	signer   RSASigner
	verified atomic.Bool // one of its signatures was verified
}

// openNative puts an RSA key that the cache keeps into the native library, if
// there is one. It is called before the key is shared.
func (p *Parser) openNative(key Key) {
	local, ok := key.(*localKey)
	if !ok || p.options.RSA == nil || p.cache.kept == nil {
		return
	}
	private, ok := methodKey(local.private()).(*rsa.PrivateKey)
	if !ok {
		return
	}
	if s, err := p.options.RSA(private); err == nil {
		local.native = &nativeRSA{signer: s}
	}
}

// closeNative frees the key in the native library. A task that still has the
// key goes on with crypto/rsa.
func closeNative(key Key) {
	if local, ok := key.(*localKey); ok && local.native != nil {
		local.native.signer.Close()
	}
}

// sign signs in the native library where the key is in one, and with the
// algorithm's method where it is not, or where the library fails.
func (k *localKey) sign(alg Algorithm, input string) ([]byte, error) {
	if k.native != nil {
		if signature, ok := k.native.sign(alg, input, k.public); ok {
			return signature, nil
		}
	}
	return methodOf(alg).Sign(input, methodKey(k.private()))
}

// sign verifies the first signature of a key: a factor may be no prime, which
// crypto/rsa finds by verifying each signature. libcrypto itself verifies each
// one against faults of the device.
func (n *nativeRSA) sign(alg Algorithm, input string, public crypto.PublicKey) (signature []byte, ok bool) {
	signature, err := signRSA(n.signer, alg, input)
	if err != nil {
		return nil, false
	}
	if !n.verified.Load() {
		if methodOf(alg).Verify(input, signature, public) != nil {
			return nil, false
		}
		n.verified.Store(true)
	}
	return signature, true
}
