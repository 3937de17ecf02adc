package conductortest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Server is a ledger behind the real server's HTTP API on a loopback port.
type Server struct {
	URL    string // http://127.0.0.1:port, without /api
	Ledger *Ledger

	options ServerOptions
	auth    *auth

	mu       sync.Mutex
	addr     string
	http     *http.Server
	done     chan struct{}
	requests []Request
}

// ServerOptions configure a [Server]. The zero value is the open-source server:
// no authentication, no TLS.
type ServerOptions struct {
	// KeyID and Secret switch authentication on: POST /api/token grants tokens,
	// and every other call requires one in X-Authorization.
	KeyID, Secret string
	TLS           *tls.Config // HTTP/2 as well
	Addr          string      // 127.0.0.1:0 if empty
	// PerConnection is the number of requests that a connection serves; 0 is
	// 100, Tomcat's default.
	PerConnection int
}

// Request is one request, rejected ones included. The ledger records its body;
// the credentials are not kept.
type Request struct {
	Method, Path, Query string

	Header http.Header // without X-Authorization
	Proto  string
	Token  bool // it had an X-Authorization header
	At     time.Time
}

// Serve serves a ledger over HTTP until the test ends. Faults that are not nil
// become the ledger's.
func Serve(tb testing.TB, l *Ledger, faults Faults) *Server {
	tb.Helper()
	return ServeWith(tb, l, faults, ServerOptions{})
}

// ServeWith is [Serve] with options.
func ServeWith(tb testing.TB, l *Ledger, faults Faults, o ServerOptions) *Server {
	tb.Helper()
	if faults != nil {
		l.SetFaults(faults)
	}
	s := NewServer(l, o)
	if err := s.Up(); err != nil {
		tb.Fatalf("conductortest: %v", err)
	}
	tb.Cleanup(s.Down)
	return s
}

// NewServer returns a server that is down; [Server.Up] starts it.
func NewServer(l *Ledger, o ServerOptions) *Server {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.PerConnection == 0 {
		o.PerConnection = 100
	}
	s := &Server{Ledger: l, options: o, addr: o.Addr}
	if o.KeyID != "" {
		s.auth = newAuth(o.KeyID, o.Secret)
	}
	return s
}

// Up starts the server, each time on the same port. It does nothing if the server
// is up.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.addr = listener.Addr().String()
	s.URL = "http://" + s.addr
	if s.options.TLS != nil {
		s.URL = "https://" + s.addr
	}
	s.http = &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 50 * time.Second,
		TLSConfig: s.options.TLS, ErrorLog: log.New(io.Discard, "", 0), // injected faults
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, servedKey{}, new(atomic.Int32))
		},
	}
	s.done = make(chan struct{})
	go serve(s.http, listener, s.done)
	return nil
}

func serve(server *http.Server, listener net.Listener, done chan<- struct{}) {
	defer close(done)
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		panic(err) // otherwise the test would wait forever
	}
}

// Down closes the port and every connection at once, as a killed server does.
// The ledger stays as it is.
func (s *Server) Down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		return
	}
	_ = s.http.Close() // fails if a connection was closed before
	<-s.done
	s.http = nil
}

// Requests returns every request so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *Server) record(r *http.Request) {
	header := r.Header.Clone()
	token := header.Get("X-Authorization") != ""
	header.Del("X-Authorization")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: header,
		Proto: r.Proto, Token: token, At: time.Now(),
	})
}

type servedKey struct{}

// lastOfConnection reports whether a connection has served PerConnection
// requests.
func (s *Server) lastOfConnection(ctx context.Context) bool {
	served, ok := ctx.Value(servedKey{}).(*atomic.Int32)
	return ok && int(served.Add(1)) >= s.options.PerConnection
}

// Get requests a URL on a new connection.
func Get(ctx context.Context, url string) (status int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), errors.Join(err, response.Body.Close())
}
