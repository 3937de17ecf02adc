package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Server is a listening HTTP server.
type Server struct {
	http     *http.Server
	listener net.Listener
	done     chan struct{}
}

// Start listens on addr and serves h until [Server.Close]. Its error does not hold
// addr.
func Start(ctx context.Context, addr string, h http.Handler, log *slog.Logger) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, errors.New("cannot listen: " + listenFault(err))
	}
	s := &Server{
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    16 << 10,
			ConnState:         new(connLimit).stateChanged,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		listener: listener,
		done:     make(chan struct{}),
	}
	go s.serve(log)
	return s, nil
}

// listenFault says why an address cannot be listened on, without the address,
// which the caller adds.
func listenFault(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "the port is in use"
	case errors.Is(err, syscall.EACCES):
		return "not permitted on this port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this host has no such address"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the host name is unknown"
	}
	return "the system refuses the address"
}

func (s *Server) serve(log *slog.Logger) {
	defer close(s.done)
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		log.Error("a listener failed", "address", s.Addr().String(), "error", err)
	}
}

// Addr returns the address that s listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close stops listening, waits for requests in flight until ctx ends, closes the
// other connections and returns when the server has ended.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}

// maxConnections is the number of connections that a server keeps open.
const maxConnections = 256

// connLimit closes a connection for each one over [maxConnections]: the one that
// has been idle for longest or, if only the new one is idle, the one whose request
// began first. A probe is therefore answered however many clients are idle or slow.
type connLimit struct {
	mu           sync.Mutex
	idle, active []net.Conn // without and with a request, the oldest first
	closed       []net.Conn // by connLimit; the server still reports their states
}

// stateChanged is an [http.Server.ConnState].
func (c *connLimit) stateChanged(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	is := func(other net.Conn) bool { return other == conn }
	if slices.ContainsFunc(c.closed, is) {
		if state == http.StateClosed {
			c.closed = slices.DeleteFunc(c.closed, is)
		}
		return
	}
	c.idle, c.active = slices.DeleteFunc(c.idle, is), slices.DeleteFunc(c.active, is)
	switch state {
	case http.StateNew, http.StateIdle:
		c.idle = append(c.idle, conn)
	case http.StateActive:
		c.active = append(c.active, conn)
	case http.StateClosed, http.StateHijacked:
	}
	if len(c.idle)+len(c.active) <= maxConnections {
		return
	}
	list := &c.idle
	if len(c.idle) == 0 || c.idle[0] == conn {
		list = &c.active
	}
	oldest := (*list)[0]
	_ = oldest.Close() // after an error, too, the connection is no longer counted
	c.closed = append(c.closed, oldest)
	*list = slices.Delete(*list, 0, 1)
}
