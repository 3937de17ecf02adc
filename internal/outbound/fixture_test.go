package outbound_test

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/outbound"
)

// endpoint is a server with a certificate for example.com and 127.0.0.1.
type endpoint struct {
	*httptest.Server
	requests atomic.Int64
	conns    atomic.Int64
}

func serve(t *testing.T, handle http.HandlerFunc) *endpoint {
	t.Helper()
	return serveAt(t, "127.0.0.1:0", handle)
}

func serveAt(t *testing.T, address string, handle http.HandlerFunc) *endpoint {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{}
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.requests.Add(1)
		handle(w, r)
	}))
	_ = e.Listener.Close()
	e.Listener = listener
	e.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			e.conns.Add(1)
		}
	}
	e.Config.ErrorLog = log.New(io.Discard, "", 0)
	e.StartTLS()
	t.Cleanup(e.Close)
	return e
}

// named is the endpoint's address with a host name.
func (e *endpoint) named(host string) string {
	_, port, _ := net.SplitHostPort(e.Listener.Addr().String())
	return "https://" + net.JoinHostPort(host, port) + "/token"
}

func (e *endpoint) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(e.Certificate())
	return pool
}

// client trusts the certificate of e. Env has the variables of the proxy.
func client(t *testing.T, e *endpoint, env map[string]string) *outbound.Client {
	t.Helper()
	o := outbound.Options{Getenv: func(name string) string { return env[name] }, UserAgent: "test/1"}
	if e != nil {
		o.Roots = e.roots()
	}
	c, err := outbound.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// resolves makes a name server that has these addresses for each name.
func resolves(addresses ...string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = theirs.Close() }()
			for answerQuery(theirs, addresses) == nil {
			}
		}()
		return ours, nil
	}}
}

// answerQuery answers one query of DNS over a stream (RFC 1035 §4.2.2).
func answerQuery(conn net.Conn, addresses []string) error {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	raw := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, raw); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(raw); err != nil {
		return err
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	for _, text := range addresses {
		ip, q := netip.MustParseAddr(text), m.Questions[0]
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		switch {
		case ip.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...))
	return err
}

// proxy is a proxy for CONNECT that leads each host to one endpoint, or refuses with
// a status.
type proxy struct {
	*httptest.Server
	hosts  chan string // that were asked for
	status int         // 0: the request is led to the endpoint
}

func startProxy(t *testing.T, to *endpoint, status int) *proxy {
	t.Helper()
	p := &proxy{hosts: make(chan string, 100), status: status}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.hosts <- r.Host
		if p.status != 0 {
			w.Header().Set("X-Canary", "canary")
			http.Error(w, "canary", p.status)
			return
		}
		far, err := new(net.Dialer).DialContext(r.Context(), "tcp", to.Listener.Addr().String())
		if err != nil {
			http.Error(w, "", http.StatusBadGateway)
			return
		}
		defer func() { _ = far.Close() }()
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = near.Close() }()
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{}, 2)
		go func() { _, _ = io.Copy(far, near); done <- struct{}{} }()
		go func() { _, _ = io.Copy(near, far); done <- struct{}{} }()
		<-done
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) env() map[string]string { return map[string]string{"HTTPS_PROXY": p.URL} }

// reason returns the error of a request, which must have one.
func reason(t *testing.T, err error) *fault.Error {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	return e
}
