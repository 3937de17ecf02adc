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

// Library is a libcrypto that is loaded. It is safe for concurrent use.
type Library struct {
	shim *C.shim_library
	open atomic.Int64
}

// Load loads libcrypto 3, and fails with [ErrNoLibrary] where there is none.
// It stays loaded until the process ends; openssl.cnf is in force, as in any
// other program of the machine.
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

// Version is the library's own, such as 3.0.19.
func (l *Library) Version() string { return C.GoString(C.shim_version(l.shim)) }

// Keys is how many keys the library holds for us now.
func (l *Library) Keys() int { return int(l.open.Load()) }

// RSA hands a key, which package keys has checked, to the library. The copy is
// freed, and wiped by libcrypto, once Close has been called and no signature
// is under way.
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
