//go:build cgo && unix

// The few functions of libcrypto 3 that sign with an RSA key. Their types are
// spelled out here, as the manual pages have them (EVP_PKEY_sign(3),
// EVP_PKEY_CTX_set_rsa_padding(3), d2i_PrivateKey(3)), so that no header of
// OpenSSL's is needed to build.
#ifndef CONDUCTOR_JWT_OPENSSL_SHIM_H
#define CONDUCTOR_JWT_OPENSSL_SHIM_H

#include <stddef.h>

typedef struct shim_library shim_library;

// shim_load loads a shared library; NULL where it is not there or is no
// OpenSSL 3. It is never unloaded.
shim_library *shim_load(const char *name);

// shim_version is the library's own, as "3.0.19"; it lives as long as lib.
const char *shim_version(const shim_library *lib);

// shim_key takes an RSAPrivateKey (RFC 8017 A.1.2) in DER; NULL if it cannot.
void *shim_key(const shim_library *lib, const unsigned char *der, size_t size);
void shim_key_free(const shim_library *lib, void *key);

// shim_context prepares signatures with one hash, of 256, 384 or 512 bits, and
// PKCS#1 v1.5 or PSS with a salt as long as the hash; NULL if it cannot.
void *shim_context(const shim_library *lib, void *key, int bits, int pss);
void shim_context_free(const shim_library *lib, void *context);

// shim_sign signs a digest and returns the signature's length, 0 if it cannot.
// No two calls with one context may overlap.
size_t shim_sign(const shim_library *lib, void *context, const unsigned char *digest, size_t digest_size,
                 unsigned char *signature, size_t room);

#endif
