package worker

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
)

func TestOneLineWhenTheClassChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		c := &classLog{log: slog.New(slog.NewTextHandler(log, nil)), call: "poll"}
		fail := func(class conductor.Class, n int, every time.Duration) {
			for range n {
				c.failed(t.Context(), &conductor.Error{Class: class}, jwtType)
				time.Sleep(every)
			}
		}
		lines := 0
		expect := func(what string, n int) {
			t.Helper()
			if got := log.count("\n"); got-lines != n {
				t.Errorf("%s: %d lines, want %d", what, got-lines, n)
			}
			lines = log.count("\n")
		}
		c.succeeded(t.Context(), jwtType)
		expect("all is well", 0)
		fail(conductor.Network, 100, 100*time.Millisecond)
		expect("ten seconds without a network", 1)
		fail(conductor.Network, 200, time.Second)
		expect("200 seconds more", 6)
		fail(conductor.Unauthorized, 5, time.Second)
		expect("another class", 1)
		c.succeeded(t.Context(), jwtType)
		expect("it is over", 1)
		c.succeeded(t.Context(), jwtType)
		expect("and stays so", 0)
		for range 1000 { // one call of ten fails
			fail(conductor.Server, 1, 10*time.Millisecond)
			for range 9 {
				c.succeeded(t.Context(), jwtType)
				time.Sleep(10 * time.Millisecond)
			}
		}
		expect("100 seconds of flapping", 4)
	})
}

// Each line says what to do, and a trouble of another kind is a line of its own
// though its class is the same.
func TestEachLineSaysWhatToDo(t *testing.T) {
	failed := func(class conductor.Class, call string, status int, cause error) *conductor.Error {
		return &conductor.Error{Class: class, Call: call, Status: status, Cause: cause}
	}
	for _, row := range []struct {
		what string
		err  *conductor.Error
		hint string
	}{
		{"a server that is away", failed(conductor.Network, "poll", 0, syscall.ECONNREFUSED), "check that the server runs"},
		{"a name that is unknown", failed(conductor.Network, "poll", 0, &net.DNSError{}), "check the host in"},
		{"an unknown authority", failed(conductor.Network, "poll", 0, x509.UnknownAuthorityError{}), "CONDUCTOR_TLS_CA_CERT"},
		{"a refused client certificate", failed(conductor.Network, "poll", 0, tls.AlertError(42)), "CONDUCTOR_TLS_CLIENT_CERT"},
		{"a proxy with a password", failed(conductor.Network, "poll", 407, nil), "CONDUCTOR_PROXY"},
		{"a failing server", failed(conductor.Server, "poll", 500, nil), "look into the log of the server"},
		{"a limit", failed(conductor.Throttled, "poll", 429, nil), "CONDUCTOR_JWT_POLLERS"},
		{"wrong credentials", failed(conductor.Unauthorized, "token", 401, nil), "set CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET"},
		{"needless credentials", failed(conductor.Unauthorized, "token", 404, nil), "unset CONDUCTOR_AUTH_KEY"},
		{"a right that is missing", failed(conductor.Forbidden, "poll", 403, nil), "execute tasks of this type"},
		{"a wrong path", failed(conductor.NotFound, "poll", 404, nil), "mostly ends in /api"},
		{"a task that is gone", failed(conductor.NotFound, "update", 404, nil), "nothing, if the workflow was removed"},
		{"a refused call", failed(conductor.Rejected, "poll", 400, nil), "CONDUCTOR_JWT_TASK_TYPES"},
		{"too large an answer", failed(conductor.TooLarge, "poll", 0, nil), "less input"},
		{"a page", failed(conductor.Garbled, "poll", 200, nil), "something else answers"},
		{"a panic", panicked("poll"), "please report it"},
	} {
		if hint := hintFor(row.err); !strings.Contains(hint, row.hint) {
			t.Errorf("%s: %q, want %q", row.what, hint, row.hint)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		c := &classLog{log: slog.New(slog.NewTextHandler(log, nil)), call: "poll"}
		for _, cause := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, x509.UnknownAuthorityError{}, &net.DNSError{}, &net.DNSError{}} {
			c.failed(t.Context(), failed(conductor.Network, "poll", 0, cause), jwtType)
			time.Sleep(logHold)
		}
		if n := log.count("hint="); n != 3 {
			t.Errorf("%d lines, want one each for the network, the certificate and the name", n)
		}
	})
}
