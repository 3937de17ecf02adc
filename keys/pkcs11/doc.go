// Package pkcs11 signs with keys of a hardware security module, by its PKCS #11
// module: pkcs11:token=…;object=…?pin-source=…&module-path=… (RFC 7512). A
// private key never leaves its token. The package needs cgo to load the module,
// and is empty without it.
package pkcs11
