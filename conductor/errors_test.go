package conductor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

func TestErrorText(t *testing.T) {
	for want, e := range map[string]*conductor.Error{
		"poll: server (HTTP status 503)":        {Class: conductor.Server, Call: "poll", Status: 503, Cause: io.EOF},
		"poll: network: EOF":                    {Class: conductor.Network, Call: "poll", Cause: io.EOF},
		"update: too_large":                     {Class: conductor.TooLarge, Call: "update"},
		"token: unauthorized (HTTP status 404)": {Class: conductor.Unauthorized, Call: "token", Status: 404},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if e.Cause != nil && !errors.Is(e, io.EOF) {
			t.Errorf("%q does not give its cause", want)
		}
	}
}

func TestErrorReason(t *testing.T) {
	for want, e := range map[string]*conductor.Error{
		"HTTP status 503":                      {Class: conductor.Server, Call: "poll", Status: 503, Cause: io.EOF},
		"EOF":                                  {Class: conductor.Network, Call: "poll", Cause: io.EOF},
		"a page answers, with HTTP status 200": {Class: conductor.Garbled, Call: "poll", Status: 200},
		"the answer is not what Conductor answers": {Class: conductor.Garbled, Call: "poll"},
		"the answer is too large":                  {Class: conductor.TooLarge, Call: "poll"},
		"no answer":                                {Class: conductor.Network, Call: "poll"},
	} {
		if got := e.Reason(); got != want {
			t.Errorf("%v gives %q, want %q", e, got, want)
		}
	}
}

// Every class has a hint of its own, and every status a class.
func TestEveryClassHasAHint(t *testing.T) {
	told := map[string]conductor.Class{}
	for _, class := range conductor.Classes() {
		hint := (&conductor.Error{Class: class, Call: "poll"}).Hint()
		if other, twice := told[hint]; hint == "" || twice {
			t.Errorf("%s has the hint %q, as %s", class, hint, other)
		}
		told[hint] = class
	}
	if len(told) != 9 {
		t.Errorf("%d classes", len(told))
	}
	for status, want := range map[int]conductor.Class{
		399: conductor.Garbled, 204: conductor.Garbled, 304: conductor.Garbled, 400: conductor.Rejected, 401: conductor.Unauthorized, 403: conductor.Forbidden,
		404: conductor.NotFound, 407: conductor.Network, 408: conductor.Server, 422: conductor.Rejected, 425: conductor.Server,
		429: conductor.Throttled, 499: conductor.Rejected, 500: conductor.Server, 599: conductor.Server,
	} {
		if got := conductor.ClassOf(status); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}

func TestTroubles(t *testing.T) {
	network := func(call conductor.Call, status int, cause error) *conductor.Error {
		return &conductor.Error{Class: conductor.Network, Call: call, Status: status, Cause: cause}
	}
	for _, row := range []struct {
		what string
		err  *conductor.Error
		want conductor.Trouble
		hint string
	}{
		{"nothing listens", network("poll", 0, syscall.ECONNREFUSED), "network", "check that the server runs"},
		{"no answer to a poll", network("poll", 0, context.DeadlineExceeded), "network", "check that the server runs"},
		{"no answer to an update", network("update", 0, context.DeadlineExceeded), conductor.TroubleSlow, "too slow to take a result"},
		{"an update that is cut", network("update", 0, io.EOF), "network", "check that the server runs"},
		{"a name", network("poll", 0, &net.DNSError{}), conductor.TroubleName, "name service"},
		{"a proxy", network("poll", 407, nil), conductor.TroubleProxy, "CONDUCTOR_PROXY"},
		{"an authority", network("poll", 0, x509.UnknownAuthorityError{}), conductor.TroubleTLS, "CONDUCTOR_TLS_CA_CERT"},
		{"a name in a certificate", network("poll", 0, x509.HostnameError{Certificate: &x509.Certificate{}}), conductor.TroubleTLS, "the host in"},
		{"a certificate that is over", network("poll", 0, x509.CertificateInvalidError{}), conductor.TroubleTLS, "clock"},
		{"a verification", network("poll", 0, &tls.CertificateVerificationError{Err: io.EOF}), conductor.TroubleTLS, "CONDUCTOR_TLS_CA_CERT"},
		{"no TLS", network("poll", 0, tls.RecordHeaderError{}), conductor.TroubleTLS, "the host in"},
		{"a version of TLS", network("poll", 0, errors.New("tls: server selected unsupported protocol version 301")), conductor.TroubleTLS, "CONDUCTOR_TLS"},
		{"an alert", network("poll", 0, &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}), conductor.TroubleAlert, "CONDUCTOR_TLS_CLIENT_CERT"},
		{"an alert of another kind", network("poll", 0, tls.AlertError(40)), conductor.TroubleAlert, "CONDUCTOR_TLS_CLIENT_KEY"},
		{"a read that fails", network("poll", 0, &net.OpError{Op: "read", Err: syscall.ECONNRESET}), "network", "check that the server runs"},
		{"a panic while a token is fetched", &conductor.Error{Class: conductor.Garbled, Call: "token", Cause: conductor.ErrPanic}, "panic", "please report it"},
		{"a failing server", &conductor.Error{Class: conductor.Server, Call: "poll", Status: 500}, "server", "log of the server"},
		{"a task that is gone", &conductor.Error{Class: conductor.NotFound, Call: "update", Status: 404}, "not_found", "nothing, if"},
		{"a path that is not", &conductor.Error{Class: conductor.NotFound, Call: "poll", Status: 404}, "not_found", "usually ends in /api"},
		{"credentials", &conductor.Error{Class: conductor.Unauthorized, Call: "token", Status: 401}, "unauthorized", "to those of an application"},
		{"needless credentials", &conductor.Error{Class: conductor.Unauthorized, Call: "token", Status: 404}, "unauthorized", "unset CONDUCTOR_AUTH_KEY"},
		{"a large poll", &conductor.Error{Class: conductor.TooLarge, Call: "poll"}, "too_large", "less input"},
		{"a large list", &conductor.Error{Class: conductor.TooLarge, Call: "get workflowdefs"}, "too_large", "ask the server for it yourself"},
	} {
		if got := row.err.Trouble(); got != row.want || !strings.Contains(row.err.Hint(), row.hint) {
			t.Errorf("%s is %s with the hint %q", row.what, got, row.err.Hint())
		}
	}
}

func TestADeniedReadIsOneThatARepetitionDoesNotSolve(t *testing.T) {
	for class, denied := range map[conductor.Class]bool{
		conductor.Forbidden: true, conductor.Unauthorized: true, conductor.NotFound: true, conductor.Rejected: true,
		conductor.Network: false, conductor.Server: false, conductor.Throttled: false, conductor.TooLarge: false, conductor.Garbled: false,
	} {
		if errors.Is(&conductor.Error{Class: class, Call: "get task"}, api.ErrReadDenied) != denied {
			t.Errorf("%s: denied is %v, want %v", class, !denied, denied)
		}
	}
}
