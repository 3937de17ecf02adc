package conductor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"conductor-jwt/internal/printable"
)

// ErrBroken is the cause in place of a network error whose text may repeat what
// the server wrote.
var ErrBroken = errors.New("the connection broke or spoke no http")

// maxCause is the length in bytes to which a network error's text is cut.
const maxCause = 256

// cause is an error of the network with its text cut and escaped, because a name
// in a certificate may hold anything.
type cause struct {
	text string
	err  error
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.err }

// causeOf keeps an error of the network and replaces any other: net/http's error
// about a malformed answer, for one, quotes the answer.
func causeOf(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the url
	}
	for _, plain := range []error{
		context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, io.EOF, os.ErrDeadlineExceeded,
	} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	if !isNetwork(err) {
		return ErrBroken
	}
	return &cause{text: printable.ASCII(err.Error(), maxCause), err: err}
}

func isNetwork(err error) bool {
	return is[*net.OpError](err) || is[*net.DNSError](err) || is[syscall.Errno](err) || isTLS(err)
}

// isTLS reports whether an error is about a certificate or a TLS handshake.
func isTLS(err error) bool {
	return is[*tls.CertificateVerificationError](err) ||
		is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err) ||
		errors.Is(err, http.ErrSchemeMismatch) || isAlert(err) || isUntypedTLS(err)
}

// isUntypedTLS reports whether an error is one of those of crypto/tls that have no
// type of their own.
func isUntypedTLS(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.HasPrefix(err.Error(), "tls: ") {
			return true
		}
	}
	return false
}

// isAlert reports whether the peer ended a handshake by an alert (RFC 8446
// §6.2), which it does when it wants a client certificate or distrusts ours.
func isAlert(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return is[tls.AlertError](err) || ok && e.Op == "remote error"
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
