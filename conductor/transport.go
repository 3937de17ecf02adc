package conductor

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	idleTimeout = 30 * time.Second // the server closes idle connections after 40 to 65 s
	dialTimeout = 10 * time.Second
	pingAfter   = 15 * time.Second // of silence, in HTTP/2
)

// transport is net/http's transport. It is replaced when a file of TLS changes: a
// pool of roots cannot be changed in place, and an open connection would keep the
// old certificate.
type transport struct {
	options Options
	proxy   *url.URL // nil for none

	// asked is when the server asked for a client certificate, in nanoseconds,
	// 0 once it has answered. In TLS 1.3 its refusal may come too late to be
	// read (RFC 8446 §4.4.2.4).
	asked atomic.Int64

	watched *watched[http.Transport]
}

func newTransport(o Options, server *url.URL) (*transport, error) {
	proxy, err := proxyOf(o, server)
	if err != nil {
		return nil, err
	}
	t := &transport{options: o, proxy: proxy}
	t.watched, err = watch(o.Logger, "tls", t.build, o.CAFile, o.CertFile, o.KeyFile)
	return t, err
}

func (t *transport) build() (*http.Transport, error) {
	config, err := tlsConfig(t.options)
	if err != nil {
		return nil, err
	}
	certificate := &tls.Certificate{} // sends none
	if len(config.Certificates) > 0 {
		certificate = &config.Certificates[0]
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		t.asked.Store(t.options.Now().UnixNano())
		return certificate, nil
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: pingAfter}
	return &http.Transport{
		Proxy:                  http.ProxyURL(t.proxy),
		OnProxyConnectResponse: proxyRefusal,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    dialTimeout,
		MaxIdleConns:           t.options.Connections,
		MaxIdleConnsPerHost:    t.options.Connections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}, nil
}

// proxyRefusal makes an error without the status text that a proxy wrote.
func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
	if r.StatusCode == http.StatusOK {
		return nil
	}
	return &Error{Class: Network, Status: r.StatusCode}
}

var errClientCertificate = errors.New("the connection broke after the server had asked for a client certificate; set one that it accepts")

// maxRefusal is how long after its request a server may refuse a certificate.
const maxRefusal = 3 * time.Second

// explain adds the likely cause to the error of a connection that broke without
// one, soon after the server had asked for a client certificate.
func (t *transport) explain(err error) error {
	e, ok := errors.AsType[*Error](err)
	unexplained := ok && (errors.Is(e.Cause, ErrBroken) || errors.Is(e.Cause, io.EOF) ||
		errors.Is(e.Cause, syscall.EPIPE) || errors.Is(e.Cause, syscall.ECONNRESET))
	asked := t.asked.Load()
	if !unexplained || asked == 0 || since(t.options.Now, time.Unix(0, asked)) > maxRefusal {
		return err
	}
	return &Error{Class: e.Class, Call: e.Call, Cause: errClientCertificate}
}

// current is the transport to use now.
func (t *transport) current() *http.Transport {
	previous := t.watched.value.Load()
	current := t.watched.current()
	if current != previous {
		previous.CloseIdleConnections()
	}
	return current
}

// answered records that the server answered, and so accepted the certificate.
func (t *transport) answered() { t.asked.Store(0) }

// failed closes the idle connections of a transport on which a request failed:
// the server may have moved, or stopped without closing them. Where no answer
// came, later requests open new connections: HTTP/2 would send them all over the
// same one, and its pings detect only after half a minute that the peer is gone.
func (t *transport) failed(used *http.Transport, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		t.watched.value.CompareAndSwap(used, used.Clone())
	}
	used.CloseIdleConnections()
}

func (t *transport) closeIdle() { t.watched.value.Load().CloseIdleConnections() }

// since is the time that has passed since t; 0 where the clock was set back.
func since(now func() time.Time, t time.Time) time.Duration {
	return max(now().Sub(t), 0)
}
