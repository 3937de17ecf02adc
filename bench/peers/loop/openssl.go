//go:build openssl

package main

import (
	"crypto"
	"crypto/rsa"

	"conductor-jwt/keys/openssl"
)

func rsaSigner(private *rsa.PrivateKey) (crypto.Signer, error) {
	lib, err := openssl.Load()
	if err != nil {
		return nil, err
	}
	return lib.RSA(private)
}
