//go:build openssl

package cli

import "conductor-jwt/keys/openssl"

const edition = "full"

// fasterRSA is OpenSSL, where the machine has it.
func fasterRSA() (backEnd, bool) {
	lib, err := openssl.Load()
	if err != nil {
		return backEnd{}, false
	}
	return backEnd{name: "openssl " + lib.Version(), rsa: lib.RSA}, true
}
