package verifier

import (
	"errors"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// The reasons of errors of this package.
var (
	// ErrUnknown: no verifier has the name.
	ErrUnknown = errors.New("verifier unknown")
	// ErrUnavailable: the keys of the issuer cannot be fetched for now.
	ErrUnavailable = errors.New("keys of the issuer unavailable")
	// ErrKey: the issuer has no key that fits the token.
	ErrKey = errors.New("no key for the token")
)

// Invalid is the error of a token that does not verify. It holds no text of the token
// but times of its claims, and those only if the signature verifies.
type Invalid struct {
	Faults []*fault.Error // at least one; all faults of the claims together
}

// Error implements the error interface.
func (e *Invalid) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap returns the faults.
func (e *Invalid) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}

// invalid returns the Invalid of an error of package signer.
func invalid(err error) *Invalid {
	if one, ok := err.(*fault.Error); ok { //nolint:errorlint // errors.AsType would take one of several
		return &Invalid{Faults: []*fault.Error{one}}
	}
	all := &Invalid{}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { // errors.Join's own, never wrapped
		for _, e := range joined.Unwrap() {
			if f, ok := errors.AsType[*fault.Error](e); ok {
				all.Faults = append(all.Faults, f)
			}
		}
	}
	if len(all.Faults) == 0 { // of a kind that package signer does not return
		all.Faults = []*fault.Error{{Reason: ErrKey, Field: "token", Found: "it does not verify"}}
	}
	return all
}

// noKey returns the Invalid of a token for which [keys.PublicSet.Choose] found no
// key.
func noKey(err error) *Invalid {
	f := &fault.Error{Reason: ErrKey, Field: "kid", Cause: err}
	choice, isChoice := errors.AsType[*keys.SetError](err)
	refusal, _ := errors.AsType[*fault.Error](err)
	switch {
	case isChoice && choice.Unknown:
		f.Found, f.Hint = "no key of the issuer has the id that the token names", "check that the token is this issuer's; an issuer publishes a key before it signs with it"
	case isChoice:
		f.Found, f.Hint = "several keys of the issuer fit the token", "have the issuer give each key an id, and write it into its tokens"
	case errors.Is(err, keys.ErrAlgorithmMismatch):
		f.Found, f.Hint = "no key of the issuer with this id fits the token's algorithm", "have the issuer sign with the algorithm of its key"
	case refusal != nil:
		f.Found = "the issuer's key cannot be used: " + fault.Rename(refusal.Found, nil)
	default:
		f.Found = "the issuer's key cannot be used"
	}
	return &Invalid{Faults: []*fault.Error{f}}
}

func unavailable(found, hint string) *fault.Error {
	return &fault.Error{Reason: ErrUnavailable, Found: found, Hint: hint}
}
