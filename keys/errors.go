package keys

import (
	"errors"

	"conductor-jwt/keys/decode"
)

// The reasons for which a key is refused. Package task maps each to a code;
// [fault.Error] carries what was found and what to do. Most of them are those of
// package decode.
var (
	ErrMissing            = decode.ErrMissing
	ErrUnreadable         = decode.ErrUnreadable
	ErrPublic             = decode.ErrPublic
	ErrCertificate        = decode.ErrCertificate
	ErrEncrypted          = decode.ErrEncrypted
	ErrPassword           = decode.ErrPassword
	ErrAmbiguous          = decode.ErrAmbiguous
	ErrWeak               = decode.ErrWeak
	ErrTooLarge           = decode.ErrTooLarge
	ErrInconsistent       = decode.ErrInconsistent
	ErrUnsupported        = decode.ErrUnsupported
	ErrUse                = decode.ErrUse
	ErrUnavailable        = decode.ErrUnavailable
	ErrAlgorithmMismatch  = decode.ErrAlgorithmMismatch
	ErrCertificateInvalid = decode.ErrCertificateInvalid
	ErrUnknown            = errors.New("no key of that name")
	ErrAlgorithmUnknown   = errors.New("algorithm unknown")
	ErrVerification       = errors.New("signature does not verify")
	// ErrRefused is the Cause beside ErrUnavailable where a key store answered
	// and refused: the store works, and may serve another key.
	ErrRefused = errors.New("refused by the key store")
)
