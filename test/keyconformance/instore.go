package keyconformance

import (
	"context"
	"crypto"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/keys"
)

// InStore makes a key as a key store has it of a private key that golang-jwt
// signs with.
func InStore(private crypto.Signer, created time.Time) (keys.Key, error) {
	return keys.FromStore(private.Public(), keys.StoreOptions{
		Created: created,
		Sign: func(_ context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return jwt.GetSigningMethod(string(alg)).Sign(string(input), private)
		},
	})
}
