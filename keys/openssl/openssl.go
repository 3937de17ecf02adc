// Package openssl signs with RSA keys through libcrypto 3, in a third to a
// quarter of the time of crypto/rsa. The library is loaded at run time: the
// build needs cgo, but no headers of OpenSSL, and the binary starts without the
// library. Built without cgo, [Load] finds no library.
//
// It serves RSA only: for ECDSA the gain is small, and Ed25519 is faster in Go
// (docs/evidence/performance.md).
package openssl

import "errors"

// The errors of this package. They say nothing about a key.
var (
	ErrNoLibrary = errors.New("openssl: no libcrypto 3 found")
	ErrKey       = errors.New("openssl: libcrypto does not accept the key")
	ErrSign      = errors.New("openssl: libcrypto failed to sign")
	ErrClosed    = errors.New("openssl: the key is closed")
)
