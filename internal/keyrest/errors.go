package keyrest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// Store is the name of a key store in its errors, such as "Vault". No error
// holds an address, a header or a body: those of the libraries do, and are
// dropped.
type Store string

// Unavailable returns an error of [keys.ErrUnavailable]: the store did not
// answer, or not to what was asked.
func (s Store) Unavailable(found, hint string) error {
	return keys.Unavailable(string(s)+" "+found, hint)
}

// Refused returns an error of [keys.ErrUnavailable] and [keys.ErrRefused]: the
// store answered that it will not do it, and a retry is of no use.
func (s Store) Refused(found, hint string) error {
	return keys.Refused(string(s)+" "+found, hint)
}

// Missing returns an error of [keys.ErrMissing]: the store does not have the
// key.
func (s Store) Missing(found, hint string) error {
	return &fault.Error{Reason: keys.ErrMissing, Found: string(s) + " " + found, Hint: hint}
}

// NotFound returns [Store.Missing] if err is an answer with status 404, and err
// otherwise.
func (s Store) NotFound(err error, found, hint string) error {
	if Is(err, http.StatusNotFound) {
		return s.Missing(found, hint)
	}
	return err
}

// Unsupported returns an error of [keys.ErrUnsupported]: a URI that is none of
// the store's, or a key that makes no JWS signature.
func (s Store) Unsupported(found, hint string) error {
	return &fault.Error{Reason: keys.ErrUnsupported, Found: string(s) + ": " + found, Hint: hint}
}

// Unexpected returns the error for an answer that does not hold what it must.
func (s Store) Unexpected() error {
	return s.Unavailable("returned an unexpected answer", "check its address and the key's source")
}

// Answered returns the error for an answer with a status other than 2xx. An
// empty hint takes the usual one.
func (s Store) Answered(status Status, hint string) error {
	if hint == "" {
		hint = status.hint()
	}
	return &fault.Error{Reason: keys.ErrUnavailable, Found: fmt.Sprintf("%s answered with status %d", s, status), Hint: hint, Cause: status}
}

func (s Store) timeout(ctx context.Context) error {
	return &fault.Error{Reason: keys.ErrUnavailable, Found: string(s) + " did not answer in time", Hint: "check the key store", Cause: ctx.Err()}
}

// noAnswer returns the error of a request without an answer.
func (s Store) noAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return s.timeout(ctx)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return s.Unavailable("has a certificate that is not trusted", "name the file of its authority, or correct its address")
	}
	return s.Unavailable("cannot be reached", "check its address and the network")
}

// Status is the HTTP status of an answer other than 2xx. It is the cause of an
// error, and is [keys.ErrRefused] if a retry is of no use.
type Status int

// Error implements the error interface.
func (s Status) Error() string { return fmt.Sprintf("status %d", int(s)) }

// Is makes [errors.Is] true of [keys.ErrRefused].
func (s Status) Is(target error) bool {
	return target == keys.ErrRefused && !s.isTransient() && s/100 == 4
}

// isTransient reports whether a retry may succeed. A Vault replica that is
// behind answers with 412.
func (s Status) isTransient() bool {
	switch s {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusPreconditionFailed, http.StatusTooEarly:
		return true
	}
	return s/100 == 5
}

func (s Status) hint() string {
	switch {
	case s == http.StatusUnauthorized:
		return "check the worker's credentials for it"
	case s == http.StatusForbidden:
		return "permit it to the worker's identity"
	case s == http.StatusNotFound:
		return "correct the key's source"
	case s == http.StatusTooManyRequests:
		return "raise its quota, or sign less"
	case s/100 == 3:
		return "give its real address; redirects are not followed"
	case s/100 == 4:
		return "check the key and its use"
	}
	return "check the key store"
}

// Is reports whether err is an answer with status.
func Is(err error, status Status) bool {
	found, ok := errors.AsType[Status](err)
	return ok && found == status
}
