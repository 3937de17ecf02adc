package cli

import (
	"crypto/fips140"
	"crypto/rsa"

	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
)

// backEnd does the arithmetic of the private keys.
type backEnd struct {
	name string
	// rsa takes an RSA key over from crypto/rsa; nil where that one signs.
	rsa func(*rsa.PrivateKey) (keys.RSASigner, error)
}

// chooseBackEnd is asked once in a process: whatever it says holds until the
// end. Whoever has asked for Go's FIPS 140-3 module gets it.
func chooseBackEnd() backEnd {
	if fips140.Enabled() {
		return backEnd{name: "go-fips140"}
	}
	// The native edition has OpenSSL, where the machine has it.
	lib, err := openssl.Load()
	if err != nil {
		return backEnd{name: "go"}
	}
	return backEnd{name: "openssl " + lib.Version(), rsa: lib.RSA}
}
