//go:build openssl

package openssl

const libcrypto = "libcrypto.3.dylib"
