package web_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"conductor-jwt/web"
)

// Clients that connect and say nothing do not shut out the probes, and hold no
// more than 256 connections.
func TestAFloodOfIdleConnectionsIsBounded(t *testing.T) {
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
	var dialer net.Dialer
	closed := make(chan int, flood)
	for i := range flood {
		conn, err := dialer.DialContext(t.Context(), "tcp", server.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		go func() {
			_, _ = conn.Read(make([]byte, 1))
			closed <- i
		}()
	}
	first := map[int]bool{}
	for range flood - 256 {
		select {
		case i := <-closed:
			first[i] = true
		case <-time.After(4 * time.Second): // before the server's own timeout
			t.Fatalf("%d of %d connections are closed, want %d", len(first), flood, flood-256)
		}
	}
	for i := range first {
		if i >= flood-256 {
			t.Errorf("connection %d is closed and not an older one", i)
		}
	}
	if body, err := get(t.Context(), "http://"+server.Addr().String()+"/livez"); err != nil || body != "live" {
		t.Errorf("%q, %v", body, err)
	}
}

// Clients that begin a request and never end it do not shut out the probes.
func TestAFloodOfSlowRequestsIsBounded(t *testing.T) {
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
		case <-time.After(4 * time.Second): // before the server's own timeout
			t.Fatal("a connection too many is held")
		}
	}
	for range 3 {
		if body, err := get(t.Context(), "http://"+server.Addr().String()+"/livez"); err != nil || body != "live" {
			t.Errorf("%q, %v", body, err)
		}
	}
}
