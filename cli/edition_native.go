//go:build cgo && unix

package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/keys/pkcs11"
)

const edition = "native"

// pkcs11Store serves pkcs11:. The variable is the one of OpenSSL's providers
// and of OpenSC.
func pkcs11Store(env Env) keys.Scheme {
	return pkcs11.New(pkcs11.Options{Module: env.variable("PKCS11_MODULE_PATH")})
}
