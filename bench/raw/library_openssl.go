//go:build openssl

package main

import (
	"crypto/rsa"

	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
)

// fasterRSA is what RSA keys are handed to.
func fasterRSA() (func(*rsa.PrivateKey) (keys.RSASigner, error), error) {
	lib, err := openssl.Load()
	if err != nil {
		return nil, err
	}
	return lib.RSA, nil
}
