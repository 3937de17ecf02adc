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

// Status is the HTTP status of an answer that was none of success. It is the
// cause of an error, and [keys.ErrRefused] where asking again is of no use.
type Status int

// Error implements the error interface.
func (s Status) Error() string { return fmt.Sprintf("status %d", int(s)) }

// Is makes [errors.Is] true of [keys.ErrRefused].
func (s Status) Is(target error) bool {
	return target == keys.ErrRefused && !s.passing() && s/100 == 4
}

// passing reports whether the same question may be answered a moment later.
// 412 is Vault's word for a replica that is behind.
func (s Status) passing() bool {
	switch s {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusPreconditionFailed, http.StatusTooEarly:
		return true
	}
	return s/100 == 5
}

func (s Status) hint() string {
	switch {
	case s == http.StatusUnauthorized:
		return "check the credentials that the worker has for it"
	case s == http.StatusForbidden:
		return "permit it to the worker's identity"
	case s == http.StatusNotFound:
		return "correct the key's source"
	case s == http.StatusTooManyRequests:
		return "raise its quota, or sign less"
	case s/100 == 3:
		return "name its real address; redirects are not followed"
	case s/100 == 4:
		return "check the key and its use"
	}
	return "look at the key store"
}

// Is reports whether err is an answer of this status.
func Is(err error, s Status) bool {
	found, ok := errors.AsType[Status](err)
	return ok && found == s
}

func (c Client) fault(cause error, found, hint string) error {
	return &fault.Error{Reason: keys.ErrUnavailable, Found: c.Store + " " + found, Hint: hint, Cause: cause}
}

// unreached is an end without an answer. What the libraries say of it names
// addresses and headers, and is dropped.
func (c Client) unreached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return c.fault(ctx.Err(), "did not answer in time", "look at the key store")
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return c.fault(nil, "shows a certificate that is not trusted", "name the file of its authority, or correct its address")
	}
	return c.fault(nil, "cannot be reached", "check its address and the network")
}
