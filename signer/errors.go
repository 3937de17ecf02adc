package signer

import (
	"errors"

	"conductor-jwt/keys"
)

// The reasons for which a token is refused by its form.
var (
	ErrTooLarge  = errors.New("too large")
	ErrFormat    = errors.New("not a compact jws")
	ErrEncrypted = errors.New("encrypted token")
	ErrEncoding  = errors.New("not base64url")
	ErrHeader    = errors.New("header unfit")
	ErrUnsigned  = errors.New("unsigned token") // alg none
	ErrCritical  = errors.New("critical header member")
	ErrPayload   = errors.New("payload is not a claims set")
)

// The reasons for which a token does not belong to a key.
var (
	ErrAlgorithm     = errors.New("algorithm does not fit")
	ErrAlgorithmOpen = errors.New("algorithm of the key is open")
	ErrSignature     = errors.New("signature does not verify")
)

// The reasons for which claims are refused.
var (
	ErrClaimType = errors.New("claim of the wrong type")
	ErrNoExpiry  = errors.New("token never expires")
	ErrExpired   = errors.New("token expired")
	ErrNotYet    = errors.New("token not valid yet")
	ErrIssuedAt  = errors.New("issue time unfit")
	ErrTooOld    = errors.New("token too old")
	ErrIssuer    = errors.New("issuer unfit")
	ErrAudience  = errors.New("audience unfit")
	ErrSubject   = errors.New("subject unfit")
	ErrTokenType = errors.New("token type unfit")
)

// The reasons for which nothing is signed.
var (
	ErrReserved            = errors.New("header member reserved")
	ErrCertificateInvalid  = keys.ErrCertificateInvalid
	ErrCertificateMismatch = errors.New("certificate of another key")
)
