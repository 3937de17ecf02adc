package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"conductor-jwt/web"
)

// Idle clients do not keep probes from being answered, and have at most 256
// connections. Each has had a response, after which the server's own timeout is two
// minutes.
func TestIdleConnectionsAreLimited(t *testing.T) {
	server, err := web.Start(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "live")
	}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // it does not wait for the idle ones
		_ = server.Close(ctx)
	}()
	const flood = 300
	closed := make(chan int, flood)
	for i := range flood {
		answer := keepConnection(t, server.Addr().String())
		go func() {
			_, _ = answer.ReadByte()
			closed <- i
		}()
	}
	for n := range flood - 256 {
		select {
		case i := <-closed:
			if i >= 256 {
				t.Errorf("connection %d is closed and not an older one", i)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%d of %d connections are closed, want %d", n, flood, flood-256)
		}
	}
	if body, err := get(t.Context(), "http://"+server.Addr().String()+"/livez"); err != nil || body != "live" {
		t.Errorf("%q, %v", body, err)
	}
}

// Clients that never finish their request do not keep probes from being answered.
func TestSlowRequestsAreLimited(t *testing.T) {
	server, err := web.Start(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "live")
	}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // it does not wait for the slow ones
		_ = server.Close(ctx)
	}()
	const flood = 600 // the first ones are closed before their request is read
	var dialer net.Dialer
	closed := make(chan struct{}, flood)
	for range flood {
		conn, err := dialer.DialContext(t.Context(), "tcp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			closed <- struct{}{}
		}()
	}
	for range flood - 256 {
		select {
		case <-closed:
		case <-time.After(8 * time.Second): // before the server's own timeout
			t.Fatal("a connection too many is held")
		}
	}
	for range 3 {
		if body, err := get(t.Context(), "http://"+server.Addr().String()+"/livez"); err != nil || body != "live" {
			t.Errorf("%q, %v", body, err)
		}
	}
}

// keepConnection opens a connection, sends one request, and keeps the connection
// open until the test ends. It returns a reader of what follows the response.
func keepConnection(t *testing.T, address string) *bufio.Reader {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "live" {
		t.Fatalf("%q, %v", body, err)
	}
	if err := answer.Body.Close(); err != nil { // which leaves the connection open
		t.Fatal(err)
	}
	return reader
}
