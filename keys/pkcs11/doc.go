// Package pkcs11 is where keys come from a hardware security module, or what
// stands for one: pkcs11:token=…;object=…?pin-source=…&module-path=…
// (RFC 7512). A private key never leaves its token. The package is empty
// without cgo, which loads the module.
package pkcs11
