// Package outbound makes requests to addresses on the internet that are not the
// operator's own services: token endpoints and JWK Sets. Tasks may have a say in the
// address, so a request reaches no loopback, private or metadata address unless the
// operator has listed its endpoint.
package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"conductor-jwt/internal/proxyenv"
	"conductor-jwt/internal/secret"
)

// MaxBody is the maximum size of an answer's body in bytes.
const MaxBody = 256 << 10

// Limits of a request.
const (
	connectTimeout = 3 * time.Second  // of the name's resolution and the connection, and of the TLS handshake
	answerTimeout  = 10 * time.Second // of the whole request, the answer's body included
	maxHeader      = 64 << 10         // bytes of an answer's header
)

// Options configure a Client.
type Options struct {
	// Getenv reads HTTPS_PROXY and NO_PROXY.
	Getenv func(string) string
	// UserAgent is sent with each request: GitHub refuses requests without one.
	UserAgent string
	// Roots are the trusted authorities; nil: the system's.
	Roots *x509.CertPool
}

// Client makes requests. It is safe for concurrent use, and has neither goroutines
// nor connections while no request is in flight.
type Client struct {
	options  Options
	resolver *net.Resolver // nil: the system's
	timeout  time.Duration
	isPublic func(netip.Addr) bool
}

// New returns a Client. It fails with [proxyenv.Err] where HTTPS_PROXY is no URL of a
// proxy.
func New(o Options) (*Client, error) {
	if _, err := proxyenv.Choose(o.Getenv, &url.URL{Scheme: "https", Host: "proxy.invalid"}); err != nil {
		return nil, err
	}
	return &Client{options: o, timeout: answerTimeout, isPublic: isPublic}, nil
}

// Request is one request. It prints as [secret.Redacted], because its header or its
// body may hold an assertion.
type Request struct {
	secret.Opaque
	Method, URL string
	Header      http.Header
	Body        secret.Text // empty: no body
	// Private permits loopback, private and metadata addresses: the operator has
	// listed the endpoint.
	Private bool
}

// Response is an answer of any status, a redirect's included. It prints as
// [secret.Redacted], because its body may hold a token.
type Response struct {
	secret.Opaque
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request once and reads its answer. It takes 10 s at most. It follows no
// redirect and repeats nothing. Every error is a [*fault.Error] of [ErrURL],
// [ErrAddress], [ErrTooLarge] or [ErrUnreachable], and quotes neither side.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	target, err := parse(r.URL, r.Private)
	if err != nil {
		return Response{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.send(ctx, target, r)
	if err != nil {
		return Response{}, unanswered(err)
	}
	return answer, nil
}

// Connect makes a connection to the host of a URL, with the TLS handshake, and closes
// it. Nothing is requested. Private is that of [Request]; the error is that of Do.
func (c *Client) Connect(ctx context.Context, address string, private bool) error {
	target, err := parse(address, private)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	proxy, err := proxyenv.Choose(c.options.Getenv, target)
	if err != nil {
		return unanswered(err)
	}
	host := net.JoinHostPort(target.Hostname(), cmp.Or(target.Port(), "443"))
	connection, err := c.transport(proxy, private).NewClientConn(ctx, target.Scheme, host)
	if err != nil {
		return unanswered(err)
	}
	_ = connection.Close() // nothing was sent that could be lost
	return nil
}

func (c *Client) send(ctx context.Context, target *url.URL, r Request) (Response, error) {
	proxy, err := proxyenv.Choose(c.options.Getenv, target)
	if err != nil {
		return Response{}, err
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), nil)
	if err != nil {
		return Response{}, err
	}
	maps.Copy(request.Header, r.Header)
	request.Header.Set("User-Agent", c.options.UserAgent)
	// No decompression: the limit of the body then holds for what is read.
	request.Header.Set("Accept-Encoding", "identity")
	if body := r.Body.Reveal(); body != "" {
		// Without GetBody the transport cannot send the body a second time.
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	answer, err := c.transport(proxy, r.Private).RoundTrip(request) //nolint:bodyclose // read closes it
	if err != nil {
		return Response{}, err
	}
	body, err := read(answer)
	return Response{Status: answer.StatusCode, Header: answer.Header, Body: body}, err
}

// transport returns a transport for one request. Its connection is not used again: a
// connection to a private address would serve requests that may not reach one, and
// the transport repeats a request whose connection was closed meanwhile.
func (c *Client) transport(proxy *url.URL, private bool) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, Resolver: c.resolver}
	if proxy == nil && !private {
		dialer.ControlContext = c.refusePrivate
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyURL(proxy),
		OnProxyConnectResponse: proxyRefusal,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: c.options.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableKeepAlives:      true,
		Protocols:              protocols,
	}
}

// read reads the body of an answer and closes it.
func read(answer *http.Response) ([]byte, error) {
	defer func() { _ = answer.Body.Close() }()
	if answer.ContentLength > MaxBody {
		return nil, tooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, MaxBody+1))
	if err == nil && len(body) > MaxBody {
		err = tooLarge()
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}
