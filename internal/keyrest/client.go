// Package keyrest holds what the key stores on the network have in common:
// calls over HTTP with bounded answers and one retry, errors that quote neither
// side, a cache of public keys, and files with credentials.
package keyrest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

const (
	maxAnswer   = 1 << 20 // bytes
	dialTimeout = 3 * time.Second
	idleTimeout = 90 * time.Second
	maxIdle     = 64
	minBackoff  = 50 * time.Millisecond // the maximum is twice as long
)

// NewHTTP returns an HTTP client for one store. It follows no redirect, which
// would receive our headers, such as Vault's token. roots are the trusted
// authorities; nil: the system's.
func NewHTTP(roots *x509.CertPool) *http.Client {
	dialer := net.Dialer{Timeout: dialTimeout}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTimeout,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxIdle,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		},
	}
}

// Direct returns a copy of c that uses no proxy: a proxy could read a machine's
// own token, or answer with that of its machine.
func Direct(c *http.Client) *http.Client {
	direct := *c
	if t, ok := c.Transport.(*http.Transport); ok {
		t = t.Clone()
		t.Proxy = nil
		direct.Transport = t
	}
	return &direct
}

// Client calls one key store. It is safe for concurrent use.
type Client struct {
	Store Store
	HTTP  *http.Client
}

// Request is one call.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        any // sent as JSON; nil: no body

	// IsRefusal reports whether the body of a 5xx answer means a refusal, which
	// is then not retried; nil: never.
	IsRefusal func(body []byte) bool
}

// Do sends r and decodes the JSON answer into into, unless that is nil. It
// retries once after throttling, a server error or a broken connection. Every
// error is an *[fault.Error] of [keys.ErrUnavailable]; its cause is a [Status] if
// the store answered with one.
func (c Client) Do(ctx context.Context, r Request, into any) error {
	body, err := c.send(ctx, r.build, r.IsRefusal)
	if err != nil || into == nil {
		return err
	}
	if json.Unmarshal(body, into) != nil {
		return c.Store.Unexpected()
	}
	return nil
}

func (r Request) build(ctx context.Context) (*http.Request, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = json.Marshal(r.Body); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, r.Header)
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// send sends what build returns, at most twice, and returns the body of a 2xx
// answer.
func (c Client) send(ctx context.Context, build func(context.Context) (*http.Request, error), isRefusal func([]byte) bool) ([]byte, error) {
	body, retry, err := c.try(ctx, build, isRefusal)
	if err == nil || !retry {
		return body, err
	}
	timer := time.NewTimer(minBackoff + rand.N(minBackoff)) //nolint:gosec // jitter
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, c.Store.timeout(ctx)
	case <-timer.C:
	}
	body, _, err = c.try(ctx, build, isRefusal)
	return body, err
}

// try reports with its error whether a retry may help.
func (c Client) try(ctx context.Context, build func(context.Context) (*http.Request, error), isRefusal func([]byte) bool) (body []byte, retry bool, err error) {
	request, err := build(ctx)
	if err != nil {
		return nil, false, c.Store.Unavailable("cannot be called", "check its address")
	}
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return nil, ctx.Err() == nil, c.Store.noAnswer(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	status := Status(answer.StatusCode)
	switch {
	case err != nil:
		return nil, ctx.Err() == nil, c.Store.noAnswer(ctx, err)
	case status/100 == 5 && isRefusal != nil && isRefusal(body):
		return nil, false, c.Store.Refused(fmt.Sprintf("answered with status %d", status), "check the key and its use")
	case status/100 != 2:
		return nil, status.isTransient(), c.Store.Answered(status, "")
	case len(body) > maxAnswer:
		return nil, false, c.Store.Unavailable("answered with more than 1 MiB", "check its address")
	}
	return body, false, nil
}

// Transport sends the requests of a library as [Client.Do] does, and returns
// only successful answers to it. It keeps the error of the last request, because
// errors of libraries quote the body and drop ours. It is for one goroutine.
type Transport struct {
	Client Client
	Err    error // as Do returns it; nil if the answer was JSON
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close() // each try reads a copy
	}
	body, err := t.Client.send(r.Context(), func(ctx context.Context) (*http.Request, error) {
		request := r.Clone(ctx)
		var err error
		if r.GetBody != nil {
			request.Body, err = r.GetBody()
		}
		return request, err
	}, nil)
	if err == nil && !json.Valid(body) {
		err = t.Client.Store.Unexpected()
	}
	if t.Err = err; err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}
