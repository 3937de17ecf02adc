package worker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/conductor/api"
)

func TestOneLineWhenTheClassChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		c := &failureLog{log: slog.New(slog.NewTextHandler(log, nil)), call: "poll"}
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
		fail(conductor.Network, 4, 30*time.Second)
		expect("a failure every half minute", 4)
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

// Each line says what to do. A different cause has a line of its own, even within
// the same class.
func TestEachLineSaysWhatToDo(t *testing.T) {
	failed := func(class conductor.Class, call conductor.Call, status int, cause error) *conductor.Error {
		return &conductor.Error{Class: class, Call: call, Status: status, Cause: cause}
	}
	for _, row := range []struct {
		what string
		err  *conductor.Error
		hint string
	}{
		{"a server that does not run", failed(conductor.Network, "poll", 0, syscall.ECONNREFUSED), "check that the server runs"},
		{"a name that is unknown", failed(conductor.Network, "poll", 0, &net.DNSError{}), "check the host in"},
		{"an unknown authority", failed(conductor.Network, "poll", 0, x509.UnknownAuthorityError{}), "CONDUCTOR_TLS_CA_CERT"},
		{"a refused client certificate", failed(conductor.Network, "poll", 0, tls.AlertError(42)), "CONDUCTOR_TLS_CLIENT_CERT"},
		{"a proxy with a password", failed(conductor.Network, "poll", 407, nil), "CONDUCTOR_PROXY"},
		{"a failing server", failed(conductor.Server, "poll", 500, nil), "look into the log of the server"},
		{"a limit", failed(conductor.Throttled, "poll", 429, nil), "CONDUCTOR_JWT_POLLERS"},
		{"wrong credentials", failed(conductor.Unauthorized, "token", 401, nil), "set CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET"},
		{"needless credentials", failed(conductor.Unauthorized, "token", 404, nil), "unset CONDUCTOR_AUTH_KEY"},
		{"a right that is missing", failed(conductor.Forbidden, "poll", 403, nil), "execute tasks of this type"},
		{"a wrong path", failed(conductor.NotFound, "poll", 404, nil), "usually ends in /api"},
		{"a task that is gone", failed(conductor.NotFound, "update", 404, nil), "nothing, if the workflow was removed"},
		{"a refused call", failed(conductor.Rejected, "poll", 400, nil), "CONDUCTOR_JWT_TASK_TYPES"},
		{"too large an answer", failed(conductor.TooLarge, "poll", 0, nil), "less input"},
		{"a page", failed(conductor.Garbled, "poll", 200, nil), "something else answers"},
		{"a panic", panicError("poll"), "please report it"},
		{"an update that takes too long", failed(conductor.Network, "update", 0, context.DeadlineExceeded), "too slow to take a result"},
		{"a server that wants a client certificate", failed(conductor.Network, "poll", 0, &net.OpError{Op: "remote error", Err: tls.AlertError(116)}), "set CONDUCTOR_TLS_CLIENT_CERT"},
	} {
		if hint := hintFor(row.err); !strings.Contains(hint, row.hint) {
			t.Errorf("%s: %q, want %q", row.what, hint, row.hint)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		c := &failureLog{log: slog.New(slog.NewTextHandler(log, nil)), call: "poll"}
		for _, cause := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, x509.UnknownAuthorityError{}, &net.DNSError{}, &net.DNSError{}} {
			c.failed(t.Context(), failed(conductor.Network, "poll", 0, cause), jwtType)
			time.Sleep(minCauseTime)
		}
		if n := log.count("hint="); n != 3 {
			t.Errorf("%d lines, want one each for the network, the certificate and the name", n)
		}
	})
}

// If the worker may not execute one type, the successful polls of the others do
// not end that failure.
func TestAFailureOfOneTypeIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		c := &failureLog{log: slog.New(slog.NewTextHandler(log, nil)), call: "poll"}
		for range 12 { // a minute
			c.failed(t.Context(), &conductor.Error{Class: conductor.Forbidden, Call: "poll", Status: 403}, "A")
			time.Sleep(2 * time.Second)
			c.succeeded(t.Context(), "B")
			c.failed(t.Context(), &conductor.Error{Class: conductor.Server, Call: "poll", Status: 500}, "C")
			time.Sleep(3 * time.Second)
		}
		if a, again := log.count("task_type=A"), log.count("answers again"); a != 2 || again != 0 {
			t.Errorf("%d lines of type A and %d of an end, want 2 and 0:\n%s", a, again, log)
		}
	})
}

// A load balancer ends every poll after the same time.
func TestALoadBalancerThatEndsPollsIsNamed(t *testing.T) {
	for _, row := range []struct {
		what  string
		after func(n int) time.Duration
		err   error
		named bool
	}{
		{"it answers 504 after 2 s", after(2 * time.Second), fails(conductor.Server, 504), true},
		{"it answers 408 after the time of the poll", after(5 * time.Second), fails(conductor.Server, 408), true},
		{"it closes the connection after 3 s", after(3 * time.Second), &conductor.Error{Class: conductor.Network, Cause: io.EOF}, true},
		{"it resets the connection after 4 s, twice", after(8 * time.Second), &conductor.Error{Class: conductor.Network, Cause: syscall.ECONNRESET}, true},
		{"a proxy whose server does not run answers 504 at once", after(10 * time.Millisecond), fails(conductor.Server, 504), false},
		{"a server that fails after 2 s", after(2 * time.Second), fails(conductor.Server, 500), false},
		{"it closes the connection after 2 s, asked once or twice", func(n int) time.Duration { return time.Duration(2+n%2*2) * time.Second }, &conductor.Error{Class: conductor.Network, Cause: io.EOF}, true},
		{"connections that break now and then", func(n int) time.Duration { return time.Duration([]int{1300, 2100, 3400, 4700}[n%4]) * time.Millisecond }, &conductor.Error{Class: conductor.Network, Cause: io.EOF}, false},
		{"a server that does not answer", after(15 * time.Second), &conductor.Error{Class: conductor.Network, Cause: context.DeadlineExceeded}, false},
	} {
		t.Run(row.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				long := 0
				server := &tap{Server: l, onPoll: func(ctx context.Context, q conductor.Query, next func() ([]api.Task, error)) ([]api.Task, error) {
					if q.Timeout == 0 {
						return next()
					}
					long++
					if !sleep(ctx, row.after(long)) {
						return nil, ctx.Err()
					}
					return nil, row.err
				}}
				run := start(t, l, Options{Server: server, Pollers: 1})
				time.Sleep(2 * time.Minute)
				run.drainClean()
				if got := run.log.count("CONDUCTOR_JWT_POLL_TIMEOUT") > 0; got != row.named {
					t.Errorf("named: %v, want %v:\n%s", got, row.named, run.log)
				}
			})
		})
	}
}

func after(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
