package conductor_test

import (
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/test/reliability"
)

// Requests of HTTP/2 share a connection. If its peer stops answering, only the
// first request is lost.
func TestSilentConnectionIsReplaced(t *testing.T) {
	ca := newAuthority(t, "ca")
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, ca.pem())
	s := serveTLS(t, ca.server(t, "127.0.0.1", time.Now().Add(time.Hour)))
	server, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	m, err := reliability.NewTCPProxy(t.Context(), server.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	c := connect(t, conductor.Options{BaseURL: "https://" + m.Addr(), CAFile: file}).WithTimeout(300 * time.Millisecond)
	t.Cleanup(c.Close)
	if _, err := c.Version(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Another call keeps the connection from being idle.
	polled := make(chan error, 1)
	go func() {
		_, err := c.Poll(t.Context(), conductor.Query{TaskType: "T", Count: 1, Timeout: 5 * time.Second})
		polled <- err
	}()
	ctx := t.Context()
	if err := s.Ledger.WaitFor(ctx, func() bool { return len(s.Ledger.Polls()) == 1 }); err != nil {
		t.Fatal(err)
	}
	m.Freeze()
	if _, err := c.Version(ctx); failure(t, err).Class != conductor.Network {
		t.Errorf("the error is %v", err)
	}
	m.Thaw()
	if _, err := c.Version(ctx); err != nil {
		t.Errorf("after the first, which was lost: %v", err)
	}
	m.Reset()
	m.Close()
	if err := <-polled; failure(t, err).Class != conductor.Network { // its peer is gone for good
		t.Errorf("the poll that was in flight: %v", err)
	}
}
