// Package keyrest asks key stores over HTTP: with bounded answers, once more
// where that may help, and with errors that quote nothing of either side.
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

	"conductor-jwt/keys"
)

const (
	mostAnswer  = 1 << 20 // bytes
	dialTimeout = 3 * time.Second
	idleTimeout = 90 * time.Second
	mostIdle    = 64
	retryWait   = 50 * time.Millisecond // and as much again at most, so that callers spread
)

// NewHTTP makes the client of one store. It follows no redirect: a header of
// ours, such as Vault's token, would go along to wherever it points. roots
// are whom it trusts; nil: whom the system does.
func NewHTTP(roots *x509.CertPool) *http.Client {
	dialer := net.Dialer{Timeout: dialTimeout}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTimeout,
			MaxIdleConns:           mostIdle,
			MaxIdleConnsPerHost:    mostIdle,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		},
	}
}

// Direct makes a client like c that asks no proxy: what answers with a
// machine's own token must be that machine.
func Direct(c *http.Client) *http.Client {
	direct := *c
	if t, ok := c.Transport.(*http.Transport); ok {
		t = t.Clone()
		t.Proxy = nil
		direct.Transport = t
	}
	return &direct
}

// Client asks one key store. It is safe for concurrent use.
type Client struct {
	Store string // its name in messages
	HTTP  *http.Client
}

// Request is one question.
type Request struct {
	Method, URL string
	Header      http.Header
	Body        any    // sent as JSON; nil sends none
	Form        string // sent as a form in place of Body

	// Refusal reports whether an answer of a fault of the server is a refusal:
	// a store may say the one and mean the other. nil: none is.
	Refusal func(body []byte) bool
}

// Do sends r, once more after throttling, a fault of the server or a broken
// connection, and decodes the JSON of the answer into what into points to,
// unless that is nil. Every error is a *[fault.Error] of [keys.ErrUnavailable],
// whose cause is a [Status] where the store answered.
func (c Client) Do(ctx context.Context, r Request, into any) error {
	body, err := c.ask(ctx, r.build, r.Refusal)
	if err != nil || into == nil {
		return err
	}
	if json.Unmarshal(body, into) != nil {
		return c.otherAnswer()
	}
	return nil
}

// ask sends what build makes, twice at most, and gives the body of a success.
func (c Client) ask(ctx context.Context, build func(context.Context) (*http.Request, error), refusal func([]byte) bool) ([]byte, error) {
	body, again, err := c.try(ctx, build, refusal)
	if err == nil || !again {
		return body, err
	}
	timer := time.NewTimer(retryWait + rand.N(retryWait)) //nolint:gosec // when to ask is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, c.fault(ctx.Err(), "did not answer in time", "look at the key store")
	case <-timer.C:
	}
	body, _, err = c.try(ctx, build, refusal)
	return body, err
}

// try reports with its error whether trying again may help.
func (c Client) try(ctx context.Context, build func(context.Context) (*http.Request, error), refusal func([]byte) bool) (body []byte, again bool, err error) {
	request, err := build(ctx)
	if err != nil {
		return nil, false, c.fault(nil, "cannot be asked", "check its address")
	}
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return nil, ctx.Err() == nil, c.unreached(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }() // read as far as it is wanted
	body, err = io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	switch {
	case err != nil:
		return nil, ctx.Err() == nil, c.unreached(ctx, err)
	case answer.StatusCode/100 == 5 && refusal != nil && refusal(body):
		return nil, false, c.fault(keys.ErrRefused, fmt.Sprintf("answered with status %d", answer.StatusCode), "check the key and its use")
	case answer.StatusCode/100 != 2:
		s := Status(answer.StatusCode)
		return nil, s.passing(), c.fault(s, fmt.Sprintf("answered with status %d", s), s.hint())
	case len(body) > mostAnswer:
		return nil, false, c.fault(nil, "answered with more than 1 MiB", "check its address")
	}
	return body, false, nil
}

func (c Client) otherAnswer() error {
	return c.fault(nil, "answered with something else than was asked for", "check its address")
}

func (r Request) build(ctx context.Context) (*http.Request, error) {
	body, kind := []byte(r.Form), "application/x-www-form-urlencoded"
	if r.Body != nil {
		var err error
		if body, err = json.Marshal(r.Body); err != nil {
			return nil, err
		}
		kind = "application/json"
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, r.Header)
	if len(body) > 0 {
		request.Header.Set("Content-Type", kind)
	}
	return request, nil
}

// Transport sends the requests of a library as [Client.Do] sends ours, and
// gives it answers of success alone. It keeps the error of the last request:
// those of libraries drop its type and quote the body. It is for one goroutine.
type Transport struct {
	Client Client
	Err    error // as of Do; nil where the answer was JSON
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close() // each try reads a copy
	}
	body, err := t.Client.ask(r.Context(), func(ctx context.Context) (*http.Request, error) {
		request := r.Clone(ctx)
		var err error
		if r.GetBody != nil {
			request.Body, err = r.GetBody()
		}
		return request, err
	}, nil)
	if err == nil && !json.Valid(body) {
		err = t.Client.otherAnswer()
	}
	if t.Err = err; err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}
