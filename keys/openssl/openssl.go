// Package openssl signs with the RSA keys of package keys through libcrypto 3,
// which takes a third to a quarter of the time that crypto/rsa takes. The
// library is loaded when the process runs: the build needs cgo, but no headers
// of OpenSSL, and the binary starts without it. Built without cgo, [Load] finds
// no library.
//
// RSA alone: for ECDSA the gain is small, and Ed25519 is faster in Go
// (docs/performance.md).
package openssl

import "errors"

// The errors of this package; none says anything of a key.
var (
	ErrNoLibrary = errors.New("openssl: there is no libcrypto 3")
	ErrKey       = errors.New("openssl: libcrypto did not take the key")
	ErrSign      = errors.New("openssl: libcrypto did not sign")
	ErrClosed    = errors.New("openssl: the key has been closed")
)
