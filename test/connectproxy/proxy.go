// Package connectproxy is a proxy that answers in place of the hosts that a program
// connects to, so that a process can be tested as it is: with HTTPS_PROXY and
// SSL_CERT_FILE it takes a handler for a provider of the internet.
package connectproxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Proxy is an HTTP proxy (RFC 9110 §9.3.6) with a certificate authority of its own.
type Proxy struct {
	URL    string // for HTTPS_PROXY
	CAFile string // for SSL_CERT_FILE

	ca  *x509.Certificate
	key *ecdsa.PrivateKey

	tunnels chan net.Conn
	done    chan struct{}

	mu    sync.Mutex
	hosts map[string]http.Handler
	seen  map[string]int
}

// New starts a proxy, which ends with the test.
func New(t *testing.T) *Proxy {
	t.Helper()
	p := &Proxy{tunnels: make(chan net.Conn), done: make(chan struct{}), hosts: map[string]http.Handler{}, seen: map[string]int{}}
	if err := p.makeCA(); err != nil {
		t.Fatal(err)
	}
	p.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(p.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.ca.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.URL = "http://" + listener.Addr().String()
	quiet := log.New(io.Discard, "", 0)
	front := &http.Server{Handler: http.HandlerFunc(p.connect), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet}
	inside := &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet}
	var running sync.WaitGroup
	running.Go(func() { _ = front.Serve(listener) })
	running.Go(func() {
		_ = inside.Serve(tls.NewListener(tunnelListener{p}, &tls.Config{GetCertificate: p.certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}))
	})
	t.Cleanup(func() {
		close(p.done)
		_ = front.Close()
		_ = inside.Close()
		running.Wait()
	})
	return p
}

// Lead lets a handler answer for a host.
func (p *Proxy) Lead(host string, h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hosts[host] = h
}

// Env returns the environment of a process that is to use the proxy.
func (p *Proxy) Env() []string {
	return []string{"HTTPS_PROXY=" + p.URL, "SSL_CERT_FILE=" + p.CAFile}
}

// Connections returns how often a host was connected to.
func (p *Proxy) Connections(host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[host]
}

// connect answers a CONNECT. A host without a handler is unreachable.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	p.mu.Lock()
	p.seen[host]++
	_, known := p.hosts[host]
	p.mu.Unlock()
	if r.Method != http.MethodConnect || err != nil || port != "443" || !known {
		http.Error(w, "this proxy leads nowhere else", http.StatusBadGateway)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	select {
	case p.tunnels <- conn:
	case <-p.done:
		_ = conn.Close()
	}
}

// serve passes a request on to the handler of its host.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	h := p.hosts[r.TLS.ServerName]
	p.mu.Unlock()
	if h == nil || r.Host != r.TLS.ServerName {
		http.Error(w, "the Host header names another host", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(w, r)
}

func (p *Proxy) makeCA() error {
	var err error
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	template := certificate(1)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.key.Public(), p.key)
	if err != nil {
		return err
	}
	p.ca, err = x509.ParseCertificate(der)
	return err
}

// certificate returns a certificate for the host that the client names. The authority
// and all hosts share a key, which never leaves this process.
func (p *Proxy) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName == "" {
		return nil, errors.New("the client names no host")
	}
	template := certificate(2)
	template.DNSNames = []string{hello.ServerName}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, p.ca, p.key.Public(), p.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", hello.ServerName, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}, nil
}

func certificate(serial int64) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
}

// tunnelListener accepts the connections within tunnels.
type tunnelListener struct{ p *Proxy }

// Accept implements [net.Listener].
func (l tunnelListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.p.tunnels:
		return conn, nil
	case <-l.p.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l tunnelListener) Close() error { return nil }

// Addr implements [net.Listener].
func (l tunnelListener) Addr() net.Addr { return &net.TCPAddr{} }
