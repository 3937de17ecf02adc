//go:build !cgo || !unix

package openssl

import (
	"crypto/rsa"

	"conductor-jwt/keys"
)

// Library is a libcrypto that is loaded. Without cgo there is none.
type Library struct{}

// Load fails with [ErrNoLibrary].
func Load() (*Library, error) { return nil, ErrNoLibrary }

// Version is empty.
func (*Library) Version() string { return "" }

// RSA fails with [ErrNoLibrary].
func (*Library) RSA(*rsa.PrivateKey) (keys.RSASigner, error) { return nil, ErrNoLibrary }
