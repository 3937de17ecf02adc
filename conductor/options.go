package conductor

import (
	"errors"
	"log/slog"
	"time"

	"conductor-jwt/internal/secret"
)

// What the options are when they are left zero.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxBody     = 32 << 20
	DefaultConnections = 100

	// PollMargin is how much longer than the server a poll waits for its answer:
	// a poll that is cut off has tasks leased to nobody.
	PollMargin = 10 * time.Second
	// MaxPollTimeout is the most that the server grants a poll; more is a 400.
	MaxPollTimeout = 5 * time.Second

	idleTimeout = 30 * time.Second // the server closes at 40 to 65 s
	dialTimeout = 10 * time.Second
	pingAfter   = 15 * time.Second
)

// Options configures [New]. Only BaseURL is required.
type Options struct {
	BaseURL string // see [NormalizeURL]

	KeyID  string // with Secret: POST /token and X-Authorization
	Secret secret.Text

	// Files of PEM, read again when they change. CertFile and KeyFile go
	// together.
	CAFile   string
	CertFile string
	KeyFile  string
	Insecure bool // take any server certificate

	// HeadersFile names a file of headers for every request to the server, one
	// "Name: value" on each line, read again when it changes. None of them may
	// be one that the client sets itself.
	HeadersFile string

	// Proxy is the URL of a proxy for every request; it may hold a password.
	// Without it, HTTP_PROXY, HTTPS_PROXY and NO_PROXY of Getenv are used, in
	// either case of letters.
	Proxy  secret.Text
	Getenv func(string) string

	Timeout     time.Duration // of each call; of a poll beyond what the server may wait it is [PollMargin]
	MaxBody     int64         // bytes of a poll's answer, after decompression; other answers are at most 1 MiB
	Connections int           // idle ones to keep; slots + pollers is right
	UserAgent   string

	Observe func(Observation) // called after every request; must not block
	Now     func() time.Time
	Logger  *slog.Logger
}

// Observation is one HTTP request, for metrics. Call, Method and Path are of
// closed sets; a call that is retried with a new token is two requests.
type Observation struct {
	Call     string // "poll", "update", "get task", "get taskdef", "create taskdef", "version", "token"
	Method   string
	Path     string // template: "/tasks/poll/batch/{taskType}"
	Status   int    // 0 where there was no answer
	Duration time.Duration
	// Skew is the server's clock minus ours by its Date header (RFC 9110
	// §6.6.1), true to a second; HasSkew where there was one.
	Skew    time.Duration
	HasSkew bool
	// Unnamed is how many tasks of a poll's answer had no readable ids and so
	// could not even be failed. It comes with an observation of its own, whose
	// Status and Duration are 0.
	Unnamed int
}

// Errors of [New]. None of them holds the value that it complains of.
var (
	ErrURL   = errors.New("server url")
	ErrProxy = errors.New("proxy url")
	ErrTLS   = errors.New("tls files")
	ErrAuth  = errors.New("authentication")

	ErrHeaders = errors.New("headers file")
)

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Connections <= 0 {
		o.Connections = DefaultConnections
	}
	if o.UserAgent == "" {
		o.UserAgent = "conductor-jwt"
	}
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
