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

// rsaKey is a key within libcrypto, and the contexts in which it has signed:
// to make one costs as much as a third of a signature.
type rsaKey struct {
	lib    *Library
	public *rsa.PublicKey

	mu     sync.Mutex
	handle unsafe.Pointer // nil once it is closed
	idle   [schemes][]unsafe.Pointer
}

// scheme is one of the ways of signing: three hashes, PKCS#1 v1.5 or PSS.
type scheme int

const schemes = 6

// schemeOf is the scheme of what package keys asks for (RFC 7518 §3.3, §3.5);
// false for anything else.
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
// PKCS#1 v1.5 or with PSS and a salt as long as the hash. The library has its
// own randomness. It fails with [ErrClosed] after Close.
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
		C.shim_context_free(k.lib.shim, context) // whatever state it is in
		return nil, ErrSign
	}
	k.giveBack(s, context)
	return signature, nil
}

// take gives a context that nobody else uses.
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
	// The context counts as one that holds the key.
	context := C.shim_context(k.lib.shim, k.handle, C.int(s.bits()), pss)
	if context == nil {
		return nil, ErrSign
	}
	return context, nil
}

func (k *rsaKey) giveBack(s scheme, context unsafe.Pointer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.handle == nil {
		C.shim_context_free(k.lib.shim, context)
		return
	}
	k.idle[s] = append(k.idle[s], context)
}

// Close frees the key, as soon as the signatures under way are done. A second
// call does nothing.
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
