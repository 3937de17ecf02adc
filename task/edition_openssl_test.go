//go:build openssl

package task_test

import (
	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
)

// edition is how the edition under test reads keys: RSA keys go to OpenSSL, if
// only there is a cache to keep them.
func edition() keys.ParserOptions {
	lib, err := openssl.Load()
	if err != nil {
		panic(err)
	}
	return keys.ParserOptions{CacheSize: 1, RSA: lib.RSA}
}
