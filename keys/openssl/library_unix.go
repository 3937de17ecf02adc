//go:build openssl && unix && !darwin

package openssl

const libcrypto = "libcrypto.so.3"
