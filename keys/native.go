package keys

import (
	"crypto"
	"crypto/rsa"
	"sync/atomic"
)

// RSASigner is an RSA key in a native library.
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

// openNative loads an RSA key that the cache keeps into the native library. It
// is called before the key is shared.
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
// key signs with crypto/rsa.
func closeNative(key Key) {
	if local, ok := key.(*localKey); ok && local.native != nil {
		local.native.signer.Close()
	}
}

// sign signs with the native library where the key is in it and the library
// does not fail, and with the method of r otherwise.
func (k *localKey) sign(r row, input string) ([]byte, error) {
	if k.native != nil {
		if signature, ok := k.native.sign(r, input, k.public); ok {
			return signature, nil
		}
	}
	return r.method.Sign(input, methodKey(k.private()))
}

// sign verifies the first signature of the key: a factor may be no prime, which
// crypto/rsa finds by verifying each signature. libcrypto verifies each one
// against faults of the hardware.
func (n *nativeRSA) sign(r row, input string, public crypto.PublicKey) (signature []byte, ok bool) {
	signature, err := signRSA(n.signer, r, input)
	if err != nil {
		return nil, false
	}
	if !n.verified.Load() {
		if r.method.Verify(input, signature, public) != nil {
			return nil, false
		}
		n.verified.Store(true)
	}
	return signature, true
}
