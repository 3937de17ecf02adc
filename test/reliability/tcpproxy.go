package reliability

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// TCPProxy forwards TCP connections to a server and can break them in ways that
// the server itself cannot.
type TCPProxy struct {
	server   string // host:port
	listener net.Listener
	done     sync.WaitGroup

	mu     sync.Mutex
	frozen bool
	limit  int64 // bytes forwarded from the server on each connection; 0 is no limit
	pairs  map[*pair]struct{}
	silent []net.Conn
}

// pair is a connection from the client and the one to the server.
type pair struct{ client, server net.Conn }

// NewTCPProxy listens on a loopback port in front of a server.
func NewTCPProxy(ctx context.Context, server string) (*TCPProxy, error) {
	return newTCPProxyAt(ctx, "127.0.0.1:0", server)
}

func newTCPProxyAt(ctx context.Context, address, server string) (*TCPProxy, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("reliability: %w", err)
	}
	t := &TCPProxy{server: server, listener: l, pairs: map[*pair]struct{}{}}
	t.done.Go(t.accept)
	return t, nil
}

// Addr returns the address that the proxy listens on.
func (t *TCPProxy) Addr() string { return t.listener.Addr().String() }

// Freeze simulates a half-open peer: every connection, present and new, stays
// open and transfers nothing.
func (t *TCPProxy) Freeze() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frozen = true
	for p := range t.pairs {
		t.silent = append(t.silent, p.client)
		_ = p.server.Close() // ends the copying; the client's connection stays open
		delete(t.pairs, p)
	}
}

// Thaw forwards new connections again. Frozen ones stay silent.
func (t *TCPProxy) Thaw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frozen = false
}

// Reset ends every connection with a TCP RST.
func (t *TCPProxy) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p := range t.pairs {
		if tcp, ok := p.client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = p.client.Close()
		_ = p.server.Close()
	}
}

// Cut forwards n bytes from the server on each new connection and then closes
// it; 0 is no limit.
func (t *TCPProxy) Cut(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = n
}

// Close stops listening and closes every connection.
func (t *TCPProxy) Close() {
	_ = t.listener.Close()
	t.mu.Lock()
	t.frozen = true
	for p := range t.pairs {
		_ = p.client.Close()
		_ = p.server.Close()
	}
	for _, c := range t.silent {
		_ = c.Close()
	}
	t.mu.Unlock()
	t.done.Wait()
}

func (t *TCPProxy) accept() {
	for {
		c, err := t.listener.Accept()
		if err != nil {
			return
		}
		t.done.Go(func() { t.forward(c) })
	}
}

func (t *TCPProxy) forward(client net.Conn) {
	var dialer net.Dialer
	server, err := dialer.DialContext(context.Background(), "tcp", t.server)
	p, limit := t.admit(client, server, err == nil)
	if p == nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { t.copy(p, server, client, 0) })
	both.Go(func() { t.copy(p, client, server, limit) })
	both.Wait()
}

// admit registers a connection, or keeps it silent if the proxy is frozen.
func (t *TCPProxy) admit(client, server net.Conn, connected bool) (*pair, int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.frozen:
		t.silent = append(t.silent, client)
		if connected {
			_ = server.Close()
		}
		return nil, 0
	case !connected:
		_ = client.Close()
		return nil, 0
	}
	p := &pair{client: client, server: server}
	t.pairs[p] = struct{}{}
	return p, t.limit
}

// copy copies one direction and then closes the pair, unless it was frozen.
func (t *TCPProxy) copy(p *pair, to, from net.Conn, limit int64) {
	if limit > 0 {
		_, _ = io.CopyN(to, from, limit)
	} else {
		_, _ = io.Copy(to, from)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, checkProbes := t.pairs[p]; !checkProbes {
		return
	}
	delete(t.pairs, p)
	_ = p.client.Close()
	_ = p.server.Close()
}
