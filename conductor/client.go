// Package conductor is the client of a Conductor server: polls, updates, stored
// tasks, and what doctor and the registration of task definitions need to know.
// The types of definitions are conductor-go's; the requests are made here, over
// net/http (docs/adr/0010-requests-of-our-own.md).
package conductor

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"conductor-jwt/internal/proxyenv"
	"conductor-jwt/internal/secret"
)

const (
	// PollMargin is how much longer than the server a poll waits for its answer:
	// the tasks of a poll that is cut off are leased to no worker.
	PollMargin = 10 * time.Second
	// MaxAnswer is the size limit of a large answer, in bytes after
	// decompression.
	MaxAnswer = 32 << 20

	callTimeout = 10 * time.Second // of every call but a poll
)

// Options configures [New]. Package config has the defaults of the settings among
// them and checks their combinations: here each field is needed unless it says
// otherwise.
type Options struct {
	BaseURL string // with or without /api at its end

	KeyID  string // with Secret: POST /token and X-Authorization; empty: no authentication
	Secret secret.Text
	// CredentialFiles are the paths of the files that KeyID and Secret were read from.
	// When one changes, ReadCredentials reads both again, for the next access token.
	CredentialFiles []string
	ReadCredentials func() (keyID string, password secret.Text, err error)

	// Files of PEM, read again when they change. Empty: the system's authorities, and
	// no client certificate.
	CAFile   string
	CertFile string
	KeyFile  string
	Insecure bool // accept any server certificate

	// HeadersFile names a file of headers for every request to the server, one
	// "Name: value" on each line, read again when it changes. None of them may
	// be one that the client sets itself. Empty: no further headers.
	HeadersFile string

	// Proxy is the URL of a proxy for every request; it may hold a password.
	// Empty: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of Getenv apply, in upper or lower
	// case.
	Proxy  secret.Text
	Getenv func(string) string

	Connections int // max idle connections; slots + pollers is right
	UserAgent   string

	Observe func(Observation) // called after every call; must not block; may be nil
	Now     func() time.Time
	Logger  *slog.Logger
}

// Observation is one call, for metrics. A call that is repeated with a new
// token is observed twice.
type Observation struct {
	Call     Call
	Status   int // 0 without an answer
	Duration time.Duration
	// Skew is the server's clock minus ours by its Date header (RFC 9110
	// §6.6.1), precise to a second; HasSkew where there was one.
	Skew    time.Duration
	HasSkew bool
}

// Errors of [New]. None of them holds the value that it reports.
var (
	ErrURL   = errors.New("server url")
	ErrProxy = proxyenv.Err
	// ErrFile is the reason of a [fault.Error] about a file of the options. Its
	// field is the worker's setting, such as tls_ca_cert.
	ErrFile = errors.New("file of a setting")
)

// Client is a Conductor server. It is safe for concurrent use. Every error of
// its methods is an [*Error].
type Client struct {
	options   Options
	base      *url.URL
	timeout   time.Duration // of every call but a poll
	transport *transport
	headers   *watched[http.Header]
	login     *watched[login]
	tokens    *tokens // nil without authentication
	reader    *reader
	skew      atomic.Pointer[time.Duration]
}

// New makes a client; it sends nothing yet. Its errors are [ErrURL], [ErrProxy] and
// [ErrFile].
func New(o Options) (*Client, error) {
	base, err := normalizeURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	o.BaseURL = base.String()
	c := &Client{options: o, base: base, timeout: callTimeout, reader: newReader(), login: watchLogin(o)}
	if c.transport, err = newTransport(o, base); err != nil {
		return nil, err
	}
	readFile := func() (*http.Header, error) { return readHeaders(o.HeadersFile) }
	if c.headers, err = watch(o.Logger, "headers", readFile, o.HeadersFile); err != nil {
		return nil, err
	}
	if o.KeyID != "" {
		c.tokens = &tokens{fetch: c.fetchToken, timeout: c.timeout, now: o.Now}
	}
	return c, nil
}

// BaseURL is the address of the API.
func (c *Client) BaseURL() string { return c.options.BaseURL }

// Close closes the idle connections. The client may still be used.
func (c *Client) Close() { c.transport.closeIdle() }

// Skew is the server's clock minus ours by its latest Date header, precise to a
// second; ok is false before the first answer.
func (c *Client) Skew() (skew time.Duration, ok bool) {
	if d := c.skew.Load(); d != nil {
		return *d, true
	}
	return 0, false
}
