//go:build cgo && unix

package openssl

/*
#cgo linux LDFLAGS: -ldl
#cgo noescape shim_sign
#cgo nocallback shim_sign
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"crypto/rsa"
	"crypto/x509"
	"runtime"
	"sync/atomic"
	"unsafe"

	"conductor-jwt/keys"
)

// Library is a loaded libcrypto. It is safe for concurrent use.
type Library struct {
	shim *C.shim_library
	open atomic.Int64 // keys; tests find leaks by it
}

// Load loads libcrypto 3 until the process ends. It fails with [ErrNoLibrary] if
// there is none. openssl.cnf applies, as in any other program of the machine.
func Load() (*Library, error) {
	if runtime.GOOS == "darwin" {
		return load("libcrypto.3.dylib")
	}
	return load("libcrypto.so.3")
}

func load(name string) (*Library, error) {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	shim := C.shim_load(c)
	if shim == nil {
		return nil, ErrNoLibrary
	}
	return &Library{shim: shim}, nil
}

// Version returns the library's version, such as 3.0.19.
func (l *Library) Version() string { return C.GoString(C.shim_version(l.shim)) }

// RSA copies a key, which package keys has checked, into the library. libcrypto
// wipes and frees the copy after Close, when no signature uses it any more.
func (l *Library) RSA(private *rsa.PrivateKey) (keys.RSASigner, error) {
	der := x509.MarshalPKCS1PrivateKey(private)
	defer clear(der)
	handle := C.shim_key(l.shim, (*C.uchar)(unsafe.SliceData(der)), C.size_t(len(der)))
	if handle == nil {
		return nil, ErrKey
	}
	l.open.Add(1)
	return &rsaKey{lib: l, handle: handle, public: &rsa.PublicKey{N: private.N, E: private.E}}, nil
}
