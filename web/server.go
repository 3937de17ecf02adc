package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
