//go:build !cgo || !unix

package cli

import "conductor-jwt/keys"

const edition = "static"

// pkcs11Store is nil: to load a module takes cgo.
func pkcs11Store(Env) keys.Scheme { return nil }
