package reliability

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"conductor-jwt/test/conductortest"
)

// front is a load balancer that speaks HTTP/2 and misbehaves.
type front struct {
	config *tls.Config
	// every so many requests the connection is ended by a GOAWAY, in good order
	every int64
	// rude is how many connections, every other one, are ended by a GOAWAY
	// that leaves the request undone
	rude    int64
	streams int // at a time; 0 is no limit

	requests, connections, gone atomic.Int64
	h2                          atomic.Int64
}

// behind is for [Options].
func (f *front) behind(server string) (string, func(), error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, err
	}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, Transport: transport, ErrorLog: log.New(io.Discard, "", 0),
	}
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{
		TLSConfig: f.config, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: f.streams},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor == 2 {
				f.h2.Add(1)
			}
			if n := f.requests.Add(1); f.every > 0 && n%f.every == 0 {
				w.Header().Set("Connection", "close") // a GOAWAY, of net/http's HTTP/2 server
			}
			proxy.ServeHTTP(w, r)
		}),
	}
	rude := &rudeListener{Listener: l, front: f}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ServeTLS(rude, "", "") }()
	return "https://" + l.Addr().String(), func() {
		_ = s.Close()
		<-done
		rude.done.Wait()
		transport.CloseIdleConnections()
	}, nil
}

// rudeListener answers some connections itself.
type rudeListener struct {
	net.Listener

	front *front
	done  sync.WaitGroup
}

func (l *rudeListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := l.front.connections.Add(1); n%2 == 0 || l.front.gone.Load() >= l.front.rude {
			return c, nil
		}
		l.done.Go(func() {
			// Of several connections that are made at once the client keeps one.
			if l.front.goAway(c) == nil {
				l.front.gone.Add(1)
			}
		})
	}
}

// goAway reads a request and answers that it was not looked at (RFC 9113 §6.8).
func (f *front) goAway(c net.Conn) error {
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	secure := tls.Server(c, f.config)
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(secure, preface); err != nil {
		return err
	}
	framer := http2.NewFramer(secure, secure)
	if err := framer.WriteSettings(); err != nil {
		return err
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return fmt.Errorf("no request came: %w", err)
		}
		if _, ok := frame.(*http2.HeadersFrame); ok {
			return framer.WriteGoAway(0, http2.ErrCodeNo, nil)
		}
	}
}

func (f *front) row(t *testing.T) Row {
	t.Helper()
	ca, paths := newAuthority(t, "ca"), newFiles(t)
	replace(t, paths.ca, ca.pem())
	f.config = serving(ca.pair(t, "127.0.0.1", soon()))
	return Row{Number: 24, Tasks: 150, Env: paths.env(), Stage: Options{Behind: f.behind}}
}

func TestGoAwayUnderLoad(t *testing.T) {
	t.Parallel()
	f := &front{every: 10}
	noneLost(t, hold(t, f.row(t)))
	if f.h2.Load() == 0 || f.connections.Load() < 10 {
		t.Errorf("%d requests by HTTP/2 on %d connections", f.h2.Load(), f.connections.Load())
	}
}

func TestGoAwayThatLeavesTheRequestUndone(t *testing.T) {
	t.Parallel()
	f := &front{every: 10, rude: 5}
	noneLost(t, hold(t, f.row(t)))
	if f.gone.Load() == 0 {
		t.Error("no request was left undone: there was no fault")
	}
}

func TestOneStreamAtATime(t *testing.T) {
	t.Parallel()
	f := &front{streams: 1}
	noneLost(t, hold(t, f.row(t)))
	if f.h2.Load() == 0 {
		t.Error("it spoke no HTTP/2")
	}
}

// A peer that falls silent in the middle of an HTTP/2 connection.
func TestHalfOpenPeerOverHTTP2(t *testing.T) {
	t.Parallel()
	f := &front{}
	row := f.row(t)
	front := row.Stage.Behind
	var m *Middle
	row.Stage.Lease = 20 * time.Second
	row.Stage.Behind = func(server string) (string, func(), error) {
		secure, endFront, err := front(server)
		if err != nil {
			return "", nil, err
		}
		url, end, err := behind(&m)(secure)
		return url, func() { end(); endFront() }, err
	}
	row.Play = func(ctx context.Context, r *Run) error {
		if err := r.AwaitCompleted(ctx, 30); err != nil {
			return err
		}
		m.Freeze()
		if err := conductortest.Pause(ctx, time.Second); err != nil {
			return err
		}
		r.Healed()
		m.Thaw()
		return nil
	}
	v := hold(t, row)
	if v.Recovered > time.Minute {
		t.Errorf("the first poll came %s after the peer", v.Recovered)
	}
	resultsKept(t, v)
}
