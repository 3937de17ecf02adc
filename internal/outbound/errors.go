package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/proxyenv"
)

// The reasons for which a request has no answer.
var (
	ErrURL         = errors.New("URL of a request")      // it may not be requested by anyone
	ErrAddress     = errors.New("address not permitted") // it may be requested where the operator lists it
	ErrTooLarge    = errors.New("answer too large")
	ErrUnreachable = errors.New("no answer")
)

func notPermitted() error {
	return &fault.Error{
		Reason: ErrAddress, Found: "the host has a loopback, private or metadata address",
		Hint: "have the operator list the endpoint in the policy file, if it is meant",
	}
}

func tooLarge() error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: fmt.Sprintf("the answer has more than %d KiB", MaxBody>>10),
		Hint: "check the address; another service may answer there",
	}
}

// proxyStatus is the status with which a proxy refused a request.
type proxyStatus int

// Error implements the error interface.
func (s proxyStatus) Error() string { return fmt.Sprintf("the proxy answered with status %d", int(s)) }

// proxyRefusal makes an error without the status text that a proxy wrote.
func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
	if r.StatusCode == http.StatusOK {
		return nil
	}
	return proxyStatus(r.StatusCode)
}

// unanswered returns an error of this package for the end of a request. It drops the
// text of other errors, which may quote the answer.
func unanswered(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	found, hint := describe(err)
	return &fault.Error{Reason: ErrUnreachable, Found: found, Hint: hint, Cause: causeOf(err)}
}

// causeOf keeps the end of a context, which shows nothing about the endpoint.
func causeOf(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return nil
}

func describe(err error) (found, hint string) {
	if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound {
		return "the host name does not exist", "correct the address, or check the name server"
	} else if ok {
		return "the host name could not be resolved", "check the name server"
	}
	if status, ok := errors.AsType[proxyStatus](err); ok {
		return status.Error(), "have the proxy permit the host"
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "the request was cancelled", ""
	case errors.Is(err, proxyenv.Err):
		return "the variable of the proxy is wrong", "correct HTTPS_PROXY"
	case isTimeout(err):
		return "there was no answer in time", "check the network, or wait until the service answers again"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the host refuses the connection", "check the address, or wait until the service is back"
	case is[*tls.CertificateVerificationError](err) && is[x509.HostnameError](err):
		return "the certificate is for another host", "check the address, and who answers there"
	case is[*tls.CertificateVerificationError](err):
		return "the certificate is not trusted", "check the address and the clock, or add its authority to the system's"
	}
	return "the connection broke, or the host does not speak HTTPS", "check the address and the network"
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
