package keys_test

import (
	"crypto/elliptic"
	"crypto/mldsa"
	"testing"

	"conductor-jwt/keys"
	"conductor-jwt/test/keyconformance"
)

func TestEveryKindOfKeyConforms(t *testing.T) {
	for name, text := range map[string]string{
		"rsa":            pemFile(t, "rsa.pkcs8.pem"),
		"rsa as jwk":     rsaJWK(sharedRSA()).text(t),
		"rsassa-pss":     pemFile(t, "rsapss.pkcs8.pem"),
		"rsassa-pss 384": pemFile(t, "rsapss-sha384.pkcs8.pem"),
		"P-256":          ecJWK(elliptic.P256(), "P-256").text(t),
		"P-384":          ecJWK(elliptic.P384(), "P-384").text(t),
		"P-521":          ecJWK(elliptic.P521(), "P-521").text(t),
		"secp256k1":      secp256k1JWK().text(t),
		"ed25519":        ed25519JWK().text(t),
		"oct":            octJWK(64).text(t),
		"ml-dsa-44":      akpJWK(mldsa.MLDSA44()).text(t),
		"ml-dsa-65":      akpJWK(mldsa.MLDSA65()).text(t),
		"ml-dsa-87":      akpJWK(mldsa.MLDSA87()).text(t),
	} {
		t.Run(name, func(t *testing.T) {
			keyconformance.Run(t, func(*testing.T) keys.Key { return mustResolve(t, text) })
		})
	}
}
