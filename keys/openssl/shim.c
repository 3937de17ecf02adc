//go:build cgo && unix

#include "shim.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// From openssl/types.h, evp.h, rsa.h and crypto.h; part of the ABI of 3.x.
enum { TYPE_RSA = 6, PADDING_PKCS1 = 1, PADDING_PSS = 6, SALT_AS_DIGEST = -1, VERSION_STRING = 6 };
#define INIT_NO_ATEXIT 0x00080000L

struct shim_library {
	const char *version;
	int (*OPENSSL_init_crypto)(uint64_t, const void *);
	unsigned int (*OPENSSL_version_major)(void);
	const char *(*OpenSSL_version)(int);
	void (*ERR_clear_error)(void);
	void *(*d2i_PrivateKey)(int, void **, const unsigned char **, long);
	void (*EVP_PKEY_free)(void *);
	void *(*EVP_PKEY_CTX_new)(void *, void *);
	void (*EVP_PKEY_CTX_free)(void *);
	int (*EVP_PKEY_sign_init)(void *);
	int (*EVP_PKEY_CTX_set_rsa_padding)(void *, int);
	int (*EVP_PKEY_CTX_set_rsa_pss_saltlen)(void *, int);
	int (*EVP_PKEY_CTX_set_signature_md)(void *, const void *);
	int (*EVP_PKEY_sign)(void *, unsigned char *, size_t *, const unsigned char *, size_t);
	const void *(*EVP_sha256)(void);
	const void *(*EVP_sha384)(void);
	const void *(*EVP_sha512)(void);
};

// The version text of OPENSSL_VERSION_STRING is new in 3.0, as is the function
// that tells the major version.
#define SYMBOL(name) (*(void **)(&lib->name) = dlsym(handle, #name))

static int resolve(shim_library *lib, void *handle) {
	return SYMBOL(OPENSSL_init_crypto) && SYMBOL(OPENSSL_version_major) && SYMBOL(OpenSSL_version) &&
	       SYMBOL(ERR_clear_error) && SYMBOL(d2i_PrivateKey) && SYMBOL(EVP_PKEY_free) && SYMBOL(EVP_PKEY_CTX_new) &&
	       SYMBOL(EVP_PKEY_CTX_free) && SYMBOL(EVP_PKEY_sign_init) && SYMBOL(EVP_PKEY_CTX_set_rsa_padding) &&
	       SYMBOL(EVP_PKEY_CTX_set_rsa_pss_saltlen) && SYMBOL(EVP_PKEY_CTX_set_signature_md) &&
	       SYMBOL(EVP_PKEY_sign) && SYMBOL(EVP_sha256) && SYMBOL(EVP_sha384) && SYMBOL(EVP_sha512);
}

shim_library *shim_load(const char *name) {
	void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		return NULL;
	}
	shim_library *lib = calloc(1, sizeof *lib);
	// A handler at exit would free what other threads still sign with.
	if (lib == NULL || !resolve(lib, handle) || lib->OPENSSL_version_major() != 3 ||
	    lib->OPENSSL_init_crypto(INIT_NO_ATEXIT, NULL) != 1) {
		free(lib);
		dlclose(handle);
		return NULL;
	}
	lib->version = lib->OpenSSL_version(VERSION_STRING);
	return lib;
}

const char *shim_version(const shim_library *lib) { return lib->version; }

void *shim_key(const shim_library *lib, const unsigned char *der, size_t size) {
	void *key = lib->d2i_PrivateKey(TYPE_RSA, NULL, &der, (long)size);
	if (key == NULL) {
		lib->ERR_clear_error();
	}
	return key;
}

void shim_key_free(const shim_library *lib, void *key) { lib->EVP_PKEY_free(key); }

static const void *hash(const shim_library *lib, int bits) {
	switch (bits) {
	case 256:
		return lib->EVP_sha256();
	case 384:
		return lib->EVP_sha384();
	case 512:
		return lib->EVP_sha512();
	}
	return NULL;
}

static int prepare(const shim_library *lib, void *context, const void *md, int pss) {
	return md != NULL && lib->EVP_PKEY_sign_init(context) > 0 &&
	       lib->EVP_PKEY_CTX_set_rsa_padding(context, pss ? PADDING_PSS : PADDING_PKCS1) > 0 &&
	       lib->EVP_PKEY_CTX_set_signature_md(context, md) > 0 &&
	       (!pss || lib->EVP_PKEY_CTX_set_rsa_pss_saltlen(context, SALT_AS_DIGEST) > 0);
}

void *shim_context(const shim_library *lib, void *key, int bits, int pss) {
	void *context = lib->EVP_PKEY_CTX_new(key, NULL);
	if (context == NULL || !prepare(lib, context, hash(lib, bits), pss)) {
		lib->EVP_PKEY_CTX_free(context);
		lib->ERR_clear_error();
		return NULL;
	}
	return context;
}

void shim_context_free(const shim_library *lib, void *context) { lib->EVP_PKEY_CTX_free(context); }

size_t shim_sign(const shim_library *lib, void *context, const unsigned char *digest, size_t digest_size,
                 unsigned char *signature, size_t room) {
	size_t size = room;
	if (lib->EVP_PKEY_sign(context, signature, &size, digest, digest_size) <= 0) {
		lib->ERR_clear_error();
		return 0;
	}
	return size;
}
