//go:build pkcs11

package cli

import (
	"conductor-jwt/keys"
	"conductor-jwt/keys/pkcs11"
)

// pkcs11Store serves pkcs11:. The variable is the one of OpenSSL's providers
// and of OpenSC.
func pkcs11Store(env Env) keys.Scheme {
	module, _ := env.Getenv("PKCS11_MODULE_PATH")
	return pkcs11.New(pkcs11.Options{Module: module})
}
