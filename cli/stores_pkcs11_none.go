//go:build !pkcs11

package cli

import "conductor-jwt/keys"

func pkcs11Store(Env) keys.Scheme { return nil }
