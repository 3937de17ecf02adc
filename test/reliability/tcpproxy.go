package reliability

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Middle is a stretch of network: it passes TCP connections on to a server,
// and can break them in the ways that a server cannot.
type Middle struct {
	server   string // host:port
	listener net.Listener
	done     sync.WaitGroup

	mu     sync.Mutex
	frozen bool
	cut    int64 // bytes of the server's that pass on a connection; 0 is all
	pairs  map[*pair]struct{}
	dead   []net.Conn
}

// pair is a connection from the client and the one that goes on to the server.
type pair struct{ client, server net.Conn }

// NewMiddle listens on a loopback port in front of a server.
func NewMiddle(ctx context.Context, server string) (*Middle, error) {
	return newMiddleAt(ctx, "127.0.0.1:0", server)
}

func newMiddleAt(ctx context.Context, address, server string) (*Middle, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("reliability: %w", err)
	}
	m := &Middle{server: server, listener: l, pairs: map[*pair]struct{}{}}
	m.done.Go(m.accept)
	return m, nil
}

// Addr is where it listens.
func (m *Middle) Addr() string { return m.listener.Addr().String() }

// Freeze makes a half-open peer of the server: every connection, and each that
// is made from now on, stays open and silent forever.
func (m *Middle) Freeze() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frozen = true
	for p := range m.pairs {
		m.dead = append(m.dead, p.client)
		_ = p.server.Close() // ends its copying; what the client has stays open
		delete(m.pairs, p)
	}
}

// Thaw serves connections to come. Those that were frozen stay silent.
func (m *Middle) Thaw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frozen = false
}

// Reset ends every connection by a TCP RST.
func (m *Middle) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.pairs {
		if tcp, ok := p.client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = p.client.Close()
		_ = p.server.Close()
	}
}

// Cut lets n bytes of the server's pass on each connection to come, and then
// ends it; 0 is all of them.
func (m *Middle) Cut(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = n
}

// Close ends everything.
func (m *Middle) Close() {
	_ = m.listener.Close()
	m.mu.Lock()
	m.frozen = true
	for p := range m.pairs {
		_ = p.client.Close()
		_ = p.server.Close()
	}
	for _, c := range m.dead {
		_ = c.Close()
	}
	m.mu.Unlock()
	m.done.Wait()
}

func (m *Middle) accept() {
	for {
		c, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.done.Go(func() { m.carry(c) })
	}
}

func (m *Middle) carry(client net.Conn) {
	var dialer net.Dialer
	server, err := dialer.DialContext(context.Background(), "tcp", m.server)
	p, limit := m.admit(client, server, err == nil)
	if p == nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { m.copy(p, server, client, 0) })
	both.Go(func() { m.copy(p, client, server, limit) })
	both.Wait()
}

// admit takes a connection on, or leaves it to be silent.
func (m *Middle) admit(client, server net.Conn, connected bool) (*pair, int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.frozen:
		m.dead = append(m.dead, client)
		if connected {
			_ = server.Close()
		}
		return nil, 0
	case !connected:
		_ = client.Close()
		return nil, 0
	}
	p := &pair{client: client, server: server}
	m.pairs[p] = struct{}{}
	return p, m.cut
}

// copy carries one direction, and ends the pair with it unless it was frozen.
func (m *Middle) copy(p *pair, to, from net.Conn, limit int64) {
	if limit > 0 {
		_, _ = io.CopyN(to, from, limit)
	} else {
		_, _ = io.Copy(to, from)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, alive := m.pairs[p]; !alive {
		return
	}
	delete(m.pairs, p)
	_ = p.client.Close()
	_ = p.server.Close()
}
