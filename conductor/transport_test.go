package conductor

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"
)

// A server may refuse a client certificate so late that the client sees only a
// broken connection.
func TestBrokenConnectionAfterCertificateRequest(t *testing.T) {
	now := time.Unix(4_000_000_000, 0)
	for _, row := range []struct {
		what      string
		asked     time.Duration // ago; negative: never, or answered since
		cause     error
		explained bool
	}{
		{"broken", 0, ErrBroken, true},
		{"closed", 0, io.EOF, true},
		{"reset", time.Second, syscall.ECONNRESET, true},
		{"a broken pipe", maxRefusal, syscall.EPIPE, true},
		{"long after", maxRefusal + 1, io.EOF, false},
		{"never asked", -1, io.EOF, false},
		{"no answer", 0, context.DeadlineExceeded, false},
		{"refused", 0, syscall.ECONNREFUSED, false},
	} {
		tr := &transport{options: Options{Now: func() time.Time { return now }}}
		if row.asked >= 0 {
			tr.asked.Store(now.Add(-row.asked).UnixNano())
		}
		err := tr.explain(&Error{Class: Network, Call: "poll", Cause: row.cause})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Class != Network || e.Call != "poll" || (e.Cause == errClientCertificate) != row.explained || !row.explained && e.Cause != row.cause { //nolint:errorlint // the very errors
			t.Errorf("%s: %v", row.what, err)
		}
	}
	if err := (&transport{}).explain(io.EOF); err != io.EOF { //nolint:errorlint // the very error
		t.Errorf("an error of another kind is %v", err)
	}
}
