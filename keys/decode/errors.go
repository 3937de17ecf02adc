package decode

import (
	"context"
	"errors"
	"fmt"

	"conductor-jwt/internal/fault"
)

// The reasons for which a text is refused.
var (
	ErrMissing            = errors.New("no key")
	ErrUnreadable         = errors.New("key unreadable")
	ErrPublic             = errors.New("public key")
	ErrCertificate        = errors.New("certificate instead of a key")
	ErrEncrypted          = errors.New("encrypted key without a password")
	ErrPassword           = errors.New("wrong password")
	ErrAmbiguous          = errors.New("more than one key")
	ErrWeak               = errors.New("key too weak")
	ErrTooLarge           = errors.New("key too large")
	ErrInconsistent       = errors.New("key inconsistent")
	ErrUnsupported        = errors.New("key unsupported")
	ErrUse                = errors.New("key not for signing")
	ErrUnavailable        = errors.New("key unavailable") // for now; here as no time is left
	ErrAlgorithmMismatch  = errors.New("algorithm does not fit the key")
	ErrCertificateInvalid = errors.New("certificate invalid")
)

// ErrEmptySet is a Cause of the error of a JWK Set without keys.
var ErrEmptySet = errors.New("JWKS without keys")

// VerifierHint is the Cause of an error whose Hint is for someone who signs. It
// is the hint for someone who verifies, and thus has no private key and makes
// none.
type VerifierHint string

// Error implements the error interface.
func (h VerifierHint) Error() string { return string(h) }

// givePublic is the hint for a text without a key.
const givePublic VerifierHint = "give the signer's public key or certificate in PEM, or a JWK"

// noKey is the error of a text without a key.
func noKey(found string) error {
	return &fault.Error{Reason: ErrUnreadable, Found: found, Hint: "give a private key in PEM or JWK form", Cause: givePublic}
}

// TimedOut is the error of a key that could not be used before ctx ended.
func TimedOut(ctx context.Context) error {
	return &fault.Error{
		Reason: ErrUnavailable, Found: "there was no time left to use the key",
		Hint: "try again", Cause: ctx.Err(),
	}
}

// TooLarge is the error of a text of length bytes where at most limit are read.
func TooLarge(length, limit int) error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: fmt.Sprintf("this is a key of %d bytes of text", length),
		Hint: fmt.Sprintf("at most %d bytes are read; give one key, without other text", limit),
	}
}
