package keys

import "errors"

// The reasons for which a key is refused. Package task maps each to a code;
// [fault.Error] carries what was found and what to do.
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
	ErrUnknown            = errors.New("no key of that name")
	ErrUnavailable        = errors.New("key store unavailable")
	ErrAlgorithmUnknown   = errors.New("algorithm unknown")
	ErrAlgorithmMismatch  = errors.New("algorithm does not fit the key")
	ErrCertificateInvalid = errors.New("certificate invalid")
	// ErrRefused is the Cause beside ErrUnavailable where a store did answer,
	// and said no: the store is well, and another key of it may be.
	ErrRefused      = errors.New("refused by the key store")
	ErrVerification = errors.New("signature does not verify")
)
