// Package openssl signs with the RSA keys of package keys through libcrypto 3,
// which takes a third to a quarter of the time that crypto/rsa takes. It is
// built with the tag openssl and cgo; the library is loaded when the process
// runs, so that the build needs no headers and the binary starts without it.
//
// RSA alone: for ECDSA the gain is small, and Ed25519 is faster in Go
// (docs/performance.md).
package openssl
