package keys

import (
	"crypto"
	"crypto/rsa"

	"github.com/golang-jwt/jwt/v5"
)

// methodOf is the signing method of an algorithm that exists; nil for any
// other name.
func methodOf(a Algorithm) jwt.SigningMethod {
	switch a {
	case RS256:
		return jwt.SigningMethodRS256
	case RS384:
		return jwt.SigningMethodRS384
	case RS512:
		return jwt.SigningMethodRS512
	case PS256:
		return strictPSS(jwt.SigningMethodPS256)
	case PS384:
		return strictPSS(jwt.SigningMethodPS384)
	case PS512:
		return strictPSS(jwt.SigningMethodPS512)
	case ES256:
		return jwt.SigningMethodES256
	case ES384:
		return jwt.SigningMethodES384
	case ES512:
		return jwt.SigningMethodES512
	case ES256K:
		return methodES256K{}
	case EdDSA:
		return jwt.SigningMethodEdDSA
	case Ed25519:
		return methodEd25519{jwt.SigningMethodEdDSA}
	case HS256:
		return jwt.SigningMethodHS256
	case HS384:
		return jwt.SigningMethodHS384
	case HS512:
		return jwt.SigningMethodHS512
	case MLDSA44, MLDSA65, MLDSA87:
		return methodMLDSA{a}
	}
	return nil
}

// strictPSS verifies only salts as long as the hash, as RFC 7518 §3.5 demands;
// the library takes any length there.
func strictPSS(m *jwt.SigningMethodRSAPSS) jwt.SigningMethod {
	exact := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: exact, VerifyOptions: exact}
}

// digestHash is the hash of an algorithm that signs a digest, RSA's and ECDSA's
// (RFC 7518 §3.1, RFC 8812 §3.2).
func digestHash(a Algorithm) crypto.Hash {
	switch a {
	case RS384, PS384, ES384:
		return crypto.SHA384
	case RS512, PS512, ES512:
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}
