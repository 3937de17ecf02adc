package signer

import (
	"errors"

	"conductor-jwt/keys"
)

// The reasons for which JSON is refused.
var (
	ErrTooLarge  = errors.New("too large")
	ErrTooDeep   = errors.New("nested too deeply")
	ErrDuplicate = errors.New("duplicate member")
	ErrJSON      = errors.New("not json")
)

// The reasons for which a token is refused by its form.
var (
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

// Error is a refusal: the reason (one of the sentinels above), where it was
// found, what was found and what to do. No text ever quotes a value.
type Error struct {
	Reason error  // a sentinel of this package
	Field  string // "header", "payload", a claim's or header member's name; may be empty
	Found  string // lower case, no full stop
	Hint   string // lower case; may be empty
}

// Error implements the error interface.
func (e *Error) Error() string {
	s := e.Found
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap gives the sentinel.
func (e *Error) Unwrap() error { return e.Reason }

// in says where an Error was found, if it does not say so itself.
func in(field string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Field != "" {
		return err
	}
	c := *e
	c.Field = field
	return &c
}
