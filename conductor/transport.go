package conductor

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// transport is net/http's transport, made anew when a file of TLS changes: a
// pool of roots cannot be changed in place, and a connection that lives on
// would go on with the old certificate.
type transport struct {
	options Options
	proxy   func(*http.Request) (*url.URL, error)

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

func (t *transport) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current.CloseIdleConnections()
}

// since is how long ago t was; a clock that was set back gives 0.
func since(now func() time.Time, t time.Time) time.Duration {
	return max(now().Sub(t), 0)
}
