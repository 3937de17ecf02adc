//go:build cgo && unix

package openssl

/*
#include "shim.h"
*/
import "C"

import (
	"crypto"
	"crypto/rsa"
	"io"
	"sync"
	"unsafe"
)

// rsaKey is a key in libcrypto, with contexts for signing. They are reused:
// creating one takes a third of the time of a signature.
type rsaKey struct {
	lib    *Library
	public *rsa.PublicKey

	mu     sync.Mutex
	handle unsafe.Pointer // nil after Close
	idle   [schemes][]unsafe.Pointer
}

// scheme is a hash, one of three, with PKCS#1 v1.5 or with PSS.
type scheme int

const schemes = 6

// schemeOf returns the scheme of a JWS algorithm (RFC 7518 §3.3, §3.5); false for
// any other options.
func schemeOf(o crypto.SignerOpts) (scheme, bool) {
	offset := scheme(0)
	if pss, ok := o.(*rsa.PSSOptions); ok {
		if pss.SaltLength != rsa.PSSSaltLengthEqualsHash {
			return 0, false
		}
		offset = schemes / 2
	}
	switch o.HashFunc() {
	case crypto.SHA256:
		return offset, true
	case crypto.SHA384:
		return offset + 1, true
	case crypto.SHA512:
		return offset + 2, true
	}
	return 0, false
}

func (s scheme) bits() int { return 256 + int(s%3)*128 }
func (s scheme) pss() bool { return s >= schemes/2 }

// Public implements [crypto.Signer].
func (k *rsaKey) Public() crypto.PublicKey { return k.public }

// Sign implements [crypto.Signer] for SHA-256, SHA-384 and SHA-512, with
// PKCS#1 v1.5 or with PSS and a salt as long as the hash. The library uses its
// own source of randomness. Sign fails with [ErrClosed] after Close.
func (k *rsaKey) Sign(_ io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	s, ok := schemeOf(o)
	if !ok || len(digest) != o.HashFunc().Size() {
		return nil, ErrSign
	}
	context, err := k.take(s)
	if err != nil {
		return nil, err
	}
	signature := make([]byte, k.public.Size())
	n := C.shim_sign(k.lib.shim, context, (*C.uchar)(unsafe.SliceData(digest)), C.size_t(len(digest)),
		(*C.uchar)(unsafe.SliceData(signature)), C.size_t(len(signature)))
	if int(n) != len(signature) {
		C.shim_context_free(k.lib.shim, context) // its state is unknown
		return nil, ErrSign
	}
	k.put(s, context)
	return signature, nil
}

// take returns a context for one signature.
func (k *rsaKey) take(s scheme) (unsafe.Pointer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.handle == nil {
		return nil, ErrClosed
	}
	if n := len(k.idle[s]); n > 0 {
		context := k.idle[s][n-1]
		k.idle[s] = k.idle[s][:n-1]
		return context, nil
	}
	pss := C.int(0)
	if s.pss() {
		pss = 1
	}
	// The context holds a reference to the key.
	context := C.shim_context(k.lib.shim, k.handle, C.int(s.bits()), pss)
	if context == nil {
		return nil, ErrSign
	}
	return context, nil
}

func (k *rsaKey) put(s scheme, context unsafe.Pointer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.handle == nil {
		C.shim_context_free(k.lib.shim, context)
		return
	}
	k.idle[s] = append(k.idle[s], context)
}

// Close frees the key, after the signatures that use it. A second call does
// nothing.
func (k *rsaKey) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.handle == nil {
		return
	}
	for s, contexts := range k.idle {
		for _, context := range contexts {
			C.shim_context_free(k.lib.shim, context)
		}
		k.idle[s] = nil
	}
	C.shim_key_free(k.lib.shim, k.handle)
	k.handle = nil
	k.lib.open.Add(-1)
}
