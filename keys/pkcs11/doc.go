// Package pkcs11 is where keys come from a hardware security module, or what
// stands for one: pkcs11:token=…;object=…?pin-source=…&module-path=…
// (RFC 7512). A private key never leaves its token. The package is empty
// without cgo, which loads the module.
//
//	uri.go      which key, of which token, of which module
//	module.go   the library, its tokens
//	sessions.go sessions and the login, shared by the keys of a token
//	objects.go  a private key and its public half
//	sign.go     the mechanisms
//	faults.go   what a return value says: later, or refused
package pkcs11
