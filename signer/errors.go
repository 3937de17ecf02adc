package signer

import (
	"errors"
)

// The reasons for which a text is refused as a token.
var (
	ErrTooLarge  = errors.New("token too large")
	ErrFormat    = errors.New("not a compact JWS")
	ErrEncrypted = errors.New("encrypted token")
	ErrEncoding  = errors.New("not base64url")
	ErrHeader    = errors.New("invalid header parameter")
	ErrUnsigned  = errors.New("unsigned token") // alg none
	ErrCritical  = errors.New("critical header parameter")
	ErrPayload   = errors.New("payload is not a claims set")
)

// The reasons for which a token's signature is refused.
var (
	ErrAlgorithm          = errors.New("algorithm not accepted for the key")
	ErrAlgorithmAmbiguous = errors.New("several algorithms for the key")
	ErrSignature          = errors.New("signature does not verify")
)

// The reasons for which claims are refused.
var (
	ErrClaimType = errors.New("claim of the wrong type")
	ErrNoExpiry  = errors.New("token never expires")
	ErrExpired   = errors.New("token expired")
	ErrNotYet    = errors.New("token not valid yet")
	ErrIssuedAt  = errors.New("missing or future issue time")
	ErrTooOld    = errors.New("token too old")
	ErrIssuer    = errors.New("wrong issuer")
	ErrAudience  = errors.New("wrong audience")
	ErrSubject   = errors.New("wrong subject")
	ErrTokenType = errors.New("wrong token type")
	ErrRequired  = errors.New("required claim missing or wrong")
)

// The reasons for which nothing is signed.
var (
	ErrReserved            = errors.New("reserved header parameter")
	ErrCertificateMismatch = errors.New("certificate of another key")
)
