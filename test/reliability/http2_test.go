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

// h2Proxy is a load balancer that speaks HTTP/2 and closes connections.
type h2Proxy struct {
	config *tls.Config
	// every is after how many requests a connection is ended by a graceful GOAWAY
	every int64
	// abrupt is how many connections, every second one, are ended by a GOAWAY
	// that says that the request was not processed
	abrupt  int64
	streams int // maximum concurrent streams; 0 is no limit

	requests, connections, aborted, h2 atomic.Int64
}

// start is an [Options.Proxy].
func (f *h2Proxy) start(server string) (string, func(), error) {
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
				w.Header().Set("Connection", "close") // makes net/http send a GOAWAY
			}
			proxy.ServeHTTP(w, r)
		}),
	}
	listener := &abruptListener{Listener: l, proxy: f}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.ServeTLS(listener, "", "") }()
	return "https://" + l.Addr().String(), func() {
		_ = s.Close()
		<-done
		listener.done.Wait()
		transport.CloseIdleConnections()
	}, nil
}

// abruptListener answers some connections itself, with a GOAWAY.
type abruptListener struct {
	net.Listener

	proxy *h2Proxy
	done  sync.WaitGroup
}

func (l *abruptListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if n := l.proxy.connections.Add(1); n%2 == 0 || l.proxy.aborted.Load() >= l.proxy.abrupt {
			return c, nil
		}
		l.done.Go(func() {
			// The client may open several connections at once and close all but one.
			if l.proxy.goAway(c) == nil {
				l.proxy.aborted.Add(1)
			}
		})
	}
}

// goAway reads a request and replies that it was not processed (RFC 9113 §6.8).
func (f *h2Proxy) goAway(c net.Conn) error {
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
			return fmt.Errorf("no request arrived: %w", err)
		}
		if _, ok := frame.(*http2.HeadersFrame); ok {
			return framer.WriteGoAway(0, http2.ErrCodeNo, nil)
		}
	}
}

func (f *h2Proxy) row(t *testing.T) Row {
	t.Helper()
	ca, paths := newAuthority(t, "ca"), newFiles(t)
	replace(t, paths.ca, ca.pem())
	f.config = serving(ca.pair(t, "127.0.0.1", inAnHour()))
	return Row{Number: 24, Tasks: 150, Env: paths.env(), Options: Options{Proxy: f.start}}
}

func TestGoAwayUnderLoad(t *testing.T) {
	t.Parallel()
	f := &h2Proxy{every: 10}
	wantNoneLost(t, runRow(t, f.row(t)))
	if f.h2.Load() == 0 || f.connections.Load() < 10 {
		t.Errorf("%d HTTP/2 requests on %d connections, want some on at least 10", f.h2.Load(), f.connections.Load())
	}
}

func TestGoAwayBeforeTheRequestIsProcessed(t *testing.T) {
	t.Parallel()
	f := &h2Proxy{every: 10, abrupt: 5}
	wantNoneLost(t, runRow(t, f.row(t)))
	if f.aborted.Load() == 0 {
		t.Error("no connection was ended before its request was processed: there was no fault")
	}
}

func TestOneHTTP2StreamAtATime(t *testing.T) {
	t.Parallel()
	f := &h2Proxy{streams: 1}
	wantNoneLost(t, runRow(t, f.row(t)))
	if f.h2.Load() == 0 {
		t.Error("no request used HTTP/2")
	}
}

func TestHalfOpenPeerOverHTTP2(t *testing.T) {
	t.Parallel()
	f := &h2Proxy{}
	row := f.row(t)
	startFront := row.Options.Proxy
	var m *TCPProxy
	row.Options.Lease = 20 * time.Second
	row.Options.Proxy = func(server string) (string, func(), error) {
		secure, endFront, err := startFront(server)
		if err != nil {
			return "", nil, err
		}
		url, end, err := viaTCPProxy(&m)(secure)
		return url, func() { end(); endFront() }, err
	}
	row.Steps = func(ctx context.Context, r *Run) error {
		if err := r.AwaitCompleted(ctx, 30); err != nil {
			return err
		}
		m.Freeze()
		if err := conductortest.Pause(ctx, time.Second); err != nil {
			return err
		}
		r.FaultEnded()
		m.Thaw()
		return nil
	}
	v := runRow(t, row)
	if v.FirstPoll > time.Minute {
		t.Errorf("the first poll came %s after the end of the fault, want at most a minute", v.FirstPoll)
	}
	wantFewGivenUp(t, v)
}
