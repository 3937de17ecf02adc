package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// ErrListen is an address that cannot be listened on.
var ErrListen = errors.New("cannot listen")

// Server is a listening HTTP server.
type Server struct {
	http     *http.Server
	listener net.Listener
	done     chan struct{}
}

// Start listens on addr and serves h until [Server.Close]. Its error is an
// [ErrListen].
func Start(ctx context.Context, addr string, h http.Handler, log *slog.Logger) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrListen, listenFault(err))
	}
	s := &Server{
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    16 << 10,
			ConnState:         new(connections).changed,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		listener: listener,
		done:     make(chan struct{}),
	}
	go s.serve(log)
	return s, nil
}

// listenFault is short, and names no address: that is the caller's to name.
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
	return "the system refuses"
}

func (s *Server) serve(log *slog.Logger) {
	defer close(s.done)
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		log.Error("health and metrics are no longer served", "error", err)
	}
}

// Addr is the address that it listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close stops listening, lets answers that are being written end until ctx
// does, and returns when nothing is left.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}

// maxConnections is how many connections a server holds open at once.
const maxConnections = 256

// connections bounds what clients can hold. One connection too many closes the
// one that has been without a request for longest or, if there is none but the
// new one, the one whose request began first: a probe is answered, however many
// clients are idle or slow.
type connections struct {
	mu           sync.Mutex
	idle, active []net.Conn // without a request and with one, in order
	dropped      []net.Conn // closed here; the server still reports their states
}

// changed is an [http.Server.ConnState].
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	is := func(other net.Conn) bool { return other == conn }
	if slices.ContainsFunc(c.dropped, is) {
		if state == http.StateClosed {
			c.dropped = slices.DeleteFunc(c.dropped, is)
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
	_ = oldest.Close() // an error changes nothing: the connection is not counted any more
	c.dropped = append(c.dropped, oldest)
	*list = slices.Delete(*list, 0, 1)
}
