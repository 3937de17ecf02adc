//go:build !cgo || !unix

package openssl

import (
	"crypto/rsa"

	"conductor-jwt/keys"
)

// Library is a loaded libcrypto. Without cgo there is none.
type Library struct{}

// Load fails with [ErrNoLibrary].
func Load() (*Library, error) { return nil, ErrNoLibrary }

// Version returns an empty string.
func (*Library) Version() string { return "" }

// RSA fails with [ErrNoLibrary].
func (*Library) RSA(*rsa.PrivateKey) (keys.RSASigner, error) { return nil, ErrNoLibrary }
