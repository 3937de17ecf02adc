//go:build !openssl

package task_test

import "conductor-jwt/keys"

// edition is how the edition under test reads keys.
func edition() keys.ParserOptions { return keys.ParserOptions{} }
