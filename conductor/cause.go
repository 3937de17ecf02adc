package conductor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	"conductor-jwt/internal/printable"
)

// ErrBroken is the cause of a network error whose own text may repeat what the
// server wrote.
var ErrBroken = errors.New("the connection broke or spoke no http")

// maxCause is the length in bytes to which a network error's text is cut.
const maxCause = 256

// cause is an error of the network with its text cut and escaped: the name in
// a certificate is somebody else's text.
type cause struct {
	text string
	err  error
}

func (c *cause) Error() string { return c.text }
func (c *cause) Unwrap() error { return c.err }

// causeOf keeps of an error what is the network's own. Others, such as
// net/http's for a malformed answer, quote the answer.
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
	if !ofNetwork(err) {
		return ErrBroken
	}
	return &cause{text: printable.ASCII(err.Error(), maxCause), err: err}
}

func ofNetwork(err error) bool {
	return is[*net.OpError](err) || is[*net.DNSError](err) || is[syscall.Errno](err) || ofTLS(err)
}

// ofTLS reports whether an error is about a certificate or a handshake.
func ofTLS(err error) bool {
	return is[*tls.CertificateVerificationError](err) ||
		is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err) ||
		ofAlert(err) || saysTLS(err)
}

// saysTLS finds the errors of crypto/tls that have no type of their own.
func saysTLS(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.HasPrefix(err.Error(), "tls: ") {
			return true
		}
	}
	return false
}

// ofAlert reports whether the peer ended a handshake by an alert (RFC 8446
// §6.2), as one does that wants a client certificate or does not trust it.
func ofAlert(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return is[tls.AlertError](err) || ok && e.Op == "remote error"
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
