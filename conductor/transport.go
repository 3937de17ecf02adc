package conductor

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// transport is net/http's transport, made anew when a file of TLS changes: a
// pool of roots cannot be changed in place, and a connection that lives on
// would go on with the old certificate.
type transport struct {
	options Options
	proxy   func(*http.Request) (*url.URL, error)

	// asked is when the server asked for a client certificate, in nanoseconds,
	// 0 once it has answered. In TLS 1.3 its refusal may come too late to be
	// read (RFC 8446 §4.4.2.4).
	asked atomic.Int64

	mu      sync.Mutex
	current *http.Transport
	stamps  [3]stamp
}

func newTransport(o Options) (*transport, error) {
	proxy, err := proxyFunc(o)
	if err != nil {
		return nil, err
	}
	t := &transport{options: o, proxy: proxy, stamps: stampsOf(o)}
	t.current, err = t.build()
	if err != nil {
		return nil, err
	}
	return t, nil
}

func stampsOf(o Options) [3]stamp {
	return [3]stamp{stampOf(o.CAFile), stampOf(o.CertFile), stampOf(o.KeyFile)}
}

func (t *transport) build() (*http.Transport, error) {
	config, err := tlsConfig(t.options)
	if err != nil {
		return nil, err
	}
	certificate := &tls.Certificate{} // none
	if len(config.Certificates) > 0 {
		certificate = &config.Certificates[0]
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		t.asked.Store(t.options.Now().UnixNano())
		return certificate, nil
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: pingAfter}
	return &http.Transport{
		Proxy:                  t.proxy,
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

// proxyRefusal keeps what a proxy wrote out of the error.
func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
	if r.StatusCode == http.StatusOK {
		return nil
	}
	return &Error{Class: Network, Status: r.StatusCode}
}

// errClientCertificate is a constant text, so it may be printed.
var errClientCertificate = errors.New("the connection broke after the server had asked for a client certificate; set one that it accepts")

// maxRefusal is how long after its question a server may refuse a certificate.
const maxRefusal = 3 * time.Second

// explain says why a connection that broke for no visible reason broke.
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

// fresh is the transport to use now.
func (t *transport) fresh() *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.options.CAFile == "" && t.options.CertFile == "" {
		return t.current
	}
	now := stampsOf(t.options)
	if now[0].same(t.stamps[0]) && now[1].same(t.stamps[1]) && now[2].same(t.stamps[2]) {
		return t.current
	}
	t.stamps = now // a file caught half-written changes once more
	next, err := t.build()
	if err != nil {
		t.options.Logger.Warn("tls files have changed and cannot be used; the previous ones stay in use", "error", err)
		return t.current
	}
	t.options.Logger.Info("tls files have changed and are in use")
	t.current.CloseIdleConnections()
	t.current = next
	return next
}

// retire makes the requests to come use connections of their own where one on
// these was never answered. HTTP/2 would put them all on the same connection,
// whose peer may be gone: pings tell only after half a minute.
func (t *transport) retire(silent *http.Transport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != silent {
		return
	}
	// The files were good when they were last read; if they are not any more,
	// the old connections are all there is.
	if next, err := t.build(); err == nil {
		t.current = next
	}
}

// closeIdle does not wait: a look at files that hang holds the lock.
func (t *transport) closeIdle() {
	if !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	t.current.CloseIdleConnections()
}

// since is how long ago t was; a clock that was set back gives 0.
func since(now func() time.Time, t time.Time) time.Duration {
	return max(now().Sub(t), 0)
}
