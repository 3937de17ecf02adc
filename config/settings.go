// Package config holds the worker's settings. One table (settings.go) gives the
// flags, the environment variables, the keys of the file, the JSON Schema and
// docs/configuration.md. It is the only place with defaults and bounds.
//
// A flag beats the environment, the environment beats the file, the file beats
// the default. Each setting keeps its origin, and all problems are reported at
// once. A message names a setting and its origin and never its value: a variable
// may hold a secret that was meant for another one.
package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/secret"
)

// Config is the settings of one process, checked.
type Config struct {
	File string // path of the configuration file; empty without one

	ServerURL             string // with or without /api
	AuthKey               string // empty without authentication
	AuthSecret            secret.Text
	TLSCACert             string // paths of PEM files
	TLSClientCert         string
	TLSClientKey          string
	TLSInsecureSkipVerify bool
	HeadersFile           string      // path of a file of further request headers
	Proxy                 secret.Text // a URL that may hold a password; empty: HTTP_PROXY and its like apply

	Engine
	RegisterTaskdefs string // missing, off
	OwnerEmail       string

	DefaultTTL      time.Duration // whole seconds
	MaxTTL          time.Duration // whole seconds
	Output          string        // token, _secrets, both
	SecretInjection string        // auto, stored, key, off
	UnknownInputs   string        // warn, error
	VerifyInline    string        // deny, Allow: keys in tasks that verify
	KeyWait         time.Duration
	KeyCache        int    // parsed keys; 0 keeps none
	Policy          string // path of the policy file; empty without one
	Audit           string // Off, AuditStdout or the path of a file

	Listen       string // address of health and metrics; empty: off
	JWKSListen   string // address of the public keys; empty: off
	StatusListen string // address of the status page; empty: off
	UIURL        string // of Conductor's user interface; empty: no links
	PprofListen  string // address of profiles, on loopback; empty: off
	LogLevel     string // debug, info, warn, error
	LogFormat    string // text, json; empty: text on a terminal, else json
}

// Engine is the settings that the worker's engine uses as they are.
type Engine struct {
	TaskTypes    []string // queues to poll, at least one, all different; they share the slots
	Domain       string   // of the queues; empty for none
	WorkerID     string
	Slots        int           // tasks in flight at once; at least one for each task type
	Pollers      int           // polling loops of each task type
	PollTimeout  time.Duration // how long the server may hold a long poll
	DrainTimeout time.Duration // 0 gives tasks back at once
}

// Allow is the value of [Config.VerifyInline] that permits keys in tasks that verify.
const Allow = "allow"

// Off is the value of a setting that switches its feature off.
const Off = "off"

// AuditStdout is the value of [Config.Audit] for standard output.
const AuditStdout = "stdout"

// Setting is one row of the table.
type Setting struct {
	Name    string // key in the file, snake_case
	Env     string // environment variable
	Flag    string // without dashes; empty where no flag sets it
	Default string // as it would be written; a description where Computed
	About   string // one sentence
	Group   string // title of its section
	Kind    Kind
	Choices []string // of a Choice

	Computed bool // the default is computed at start
	Secret   bool // never printed; it has no flag
	HasFile  bool // a second name with _FILE names a file that holds the value

	// Min and Max bound a Count, and a Duration in nanoseconds.
	Min, Max int64

	field func(*Config) any // pointer to the value
}

// Kind is the type that a setting's text is read as.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	Path     Kind = "path"
	URL      Kind = "url"
	Proxy    Kind = "proxy"    // a URL that may hold a password
	Address  Kind = "address"  // host:port, :port or off
	Duration Kind = "duration" // Go's syntax
	Count    Kind = "count"    // a whole number
	Switch   Kind = "switch"   // true or false
	Choice   Kind = "choice"
	List     Kind = "list" // separated by commas in a variable and a flag
)

// EnvFile is the variable that names a file with the value; empty for a setting
// without one.
func (s Setting) EnvFile() string {
	if !s.HasFile {
		return ""
	}
	return s.Env + "_FILE"
}

// NameFile is the key of the configuration file that names a file with the value;
// empty for a setting without one.
func (s Setting) NameFile() string {
	if !s.HasFile {
		return ""
	}
	return s.Name + "_file"
}

// bounds is the range of a Count or a Duration, both ends included: 1 to 64.
func (s Setting) bounds() string {
	if s.Kind == Duration {
		return short(s.Min) + " to " + short(s.Max)
	}
	return fmt.Sprintf("%d to %d", s.Min, s.Max)
}

// inFile reports whether the configuration file may hold the setting: it cannot
// hold its own path.
func (s Setting) inFile() bool { return s.Name != settingConfig }

// canBeOff reports whether "off" is a value of the setting.
func (s Setting) canBeOff() bool {
	return s.Kind == Address || s.Default == Off || slices.Contains(s.Choices, Off)
}

// Settings returns the table.
func Settings() []Setting {
	rows := slices.Concat(connectionSettings(), workSettings(), taskSettings(), endpointSettings())
	for i := range rows {
		row := &rows[i]
		if row.Flag == "" && !row.Secret {
			row.Flag = strings.ReplaceAll(row.Name, "_", "-")
		}
	}
	return rows
}

// Names of settings that the code refers to.
const (
	settingConfig     = "config"
	settingDefaultTTL = "default_ttl"
	settingPprof      = "pprof_listen"
	settingDomain     = "domain"
	settingLogLevel   = "log_level"
)

const (
	// maxPoll is the server's own limit; a longer wait is a 400.
	maxPoll = 5 * time.Second
	// maxTTL is a hundred years: a longer one is a typing error.
	maxTTL = 100 * 365 * 24 * time.Hour
	// maxSlots bounds the memory of the tasks in flight.
	maxSlots = 10_000
)

func connectionSettings() []Setting {
	return group("Connection to Conductor", []Setting{
		{
			Name: settingConfig, Env: "CONDUCTOR_JWT_CONFIG", Kind: Path,
			About: "YAML file of settings (docs/configuration.md).",
			field: func(c *Config) any { return &c.File },
		}, {
			Name: "server_url", Env: "CONDUCTOR_SERVER_URL", Kind: URL, Default: "http://localhost:8080/api",
			About: "URL of the Conductor server, with or without /api.",
			field: func(c *Config) any { return &c.ServerURL },
		}, {
			Name: "auth_key", Env: "CONDUCTOR_AUTH_KEY", Kind: Text, HasFile: true,
			About: "Key id of the worker's application; leave it out if the server has no authentication.",
			field: func(c *Config) any { return &c.AuthKey },
		}, {
			Name: "auth_secret", Env: "CONDUCTOR_AUTH_SECRET", Kind: Text, Secret: true, HasFile: true,
			About: "Key secret of auth_key.",
			field: func(c *Config) any { return &c.AuthSecret },
		}, {
			Name: "tls_ca_cert", Env: "CONDUCTOR_TLS_CA_CERT", Kind: Path,
			About: "PEM file of the server's certificate authorities, in place of the system's.",
			field: func(c *Config) any { return &c.TLSCACert },
		}, {
			Name: "tls_client_cert", Env: "CONDUCTOR_TLS_CLIENT_CERT", Kind: Path,
			About: "PEM file of the client certificate.",
			field: func(c *Config) any { return &c.TLSClientCert },
		}, {
			Name: "tls_client_key", Env: "CONDUCTOR_TLS_CLIENT_KEY", Kind: Path,
			About: "PEM file of the client certificate's key.",
			field: func(c *Config) any { return &c.TLSClientKey },
		}, {
			Name: "tls_insecure_skip_verify", Env: "CONDUCTOR_TLS_INSECURE_SKIP_VERIFY", Kind: Switch, Default: "false",
			About: "Do not check the server's certificate; another host can then receive tasks and their keys.",
			field: func(c *Config) any { return &c.TLSInsecureSkipVerify },
		}, {
			Name: "proxy", Env: "CONDUCTOR_PROXY", Kind: Proxy,
			About: "URL of the proxy to the server; without it HTTP_PROXY, HTTPS_PROXY and NO_PROXY apply.",
			field: func(c *Config) any { return &c.Proxy },
		}, {
			Name: "headers_file", Env: "CONDUCTOR_HEADERS_FILE", Kind: Path,
			About: "File of request headers for a gateway, one `Name: value` on each line.",
			field: func(c *Config) any { return &c.HeadersFile },
		},
	})
}

func workSettings() []Setting {
	return group("Polling and running", []Setting{
		{
			Name: "task_types", Env: "CONDUCTOR_JWT_TASK_TYPES", Kind: List, Default: "GET_SIGNED_JWT",
			About: "Task types to poll for: GET_SIGNED_JWT, GET_ACCESS_TOKEN (docs/access-token.md), VERIFY_JWT (docs/verify.md).",
			field: func(c *Config) any { return &c.TaskTypes },
		}, {
			Name: settingDomain, Env: "CONDUCTOR_JWT_DOMAIN", Kind: Text,
			About: "Task domain to poll in.",
			field: func(c *Config) any { return &c.Domain },
		}, {
			Name: "worker_id", Env: "CONDUCTOR_JWT_WORKER_ID", Kind: Text, Default: "host name and process id", Computed: true,
			About: "Name of this worker on the server.",
			field: func(c *Config) any { return &c.WorkerID },
		}, {
			Name: "slots", Env: "CONDUCTOR_JWT_SLOTS", Kind: Count, Default: "8 x cores", Computed: true,
			Min: 1, Max: maxSlots,
			About: "Tasks in flight at once; at least one for each task type.",
			field: func(c *Config) any { return &c.Slots },
		}, {
			Name: "pollers", Env: "CONDUCTOR_JWT_POLLERS", Kind: Count, Default: "4", Min: 1, Max: 64,
			About: "Long polls for each task type of an idle worker.",
			field: func(c *Config) any { return &c.Pollers },
		}, {
			Name: "poll_timeout", Env: "CONDUCTOR_JWT_POLL_TIMEOUT", Kind: Duration, Default: "5s",
			Min: int64(time.Millisecond), Max: int64(maxPoll),
			About: "How long the server may hold a long poll.",
			field: func(c *Config) any { return &c.PollTimeout },
		}, {
			Name: "drain_timeout", Env: "CONDUCTOR_JWT_DRAIN_TIMEOUT", Kind: Duration, Default: "25s",
			Max:   int64(time.Hour),
			About: "How long tasks may run after SIGTERM before they are returned to the server.",
			field: func(c *Config) any { return &c.DrainTimeout },
		}, {
			Name: "register_taskdefs", Env: "CONDUCTOR_JWT_REGISTER_TASKDEFS", Kind: Choice, Default: "missing",
			Choices: []string{Off, "missing"},
			About:   "Create missing task definitions; existing ones are never changed.",
			field:   func(c *Config) any { return &c.RegisterTaskdefs },
		}, {
			Name: "owner_email", Env: "CONDUCTOR_JWT_OWNER_EMAIL", Kind: Text,
			About: "ownerEmail of the created task definitions.",
			field: func(c *Config) any { return &c.OwnerEmail },
		},
	})
}

func taskSettings() []Setting {
	return group("The task", []Setting{
		{
			Name: settingDefaultTTL, Env: "CONDUCTOR_JWT_DEFAULT_TTL", Kind: Duration, Default: "300s",
			Min: int64(time.Second), Max: int64(maxTTL),
			About: "Lifetime of a token whose task names none; whole seconds, at most max_ttl.",
			field: func(c *Config) any { return &c.DefaultTTL },
		}, {
			Name: "max_ttl", Env: "CONDUCTOR_JWT_MAX_TTL", Kind: Duration, Default: "24h",
			Min: int64(time.Second), Max: int64(maxTTL),
			About: "Maximum lifetime of a token; whole seconds.",
			field: func(c *Config) any { return &c.MaxTTL },
		}, {
			Name: "output", Env: "CONDUCTOR_JWT_OUTPUT", Flag: "output-path", Kind: Choice, Default: "token",
			Choices: []string{"token", "_secrets", "both"},
			About:   "Where the output holds the token; _secrets stands for _secrets.token.",
			field:   func(c *Config) any { return &c.Output },
		}, {
			Name: "secret_injection", Env: "CONDUCTOR_JWT_SECRET_INJECTION", Kind: Choice, Default: "auto",
			Choices: []string{"auto", "stored", "key", Off},
			About:   "How to look for secrets in a token's claims (docs/task.md).",
			field:   func(c *Config) any { return &c.SecretInjection },
		}, {
			Name: "unknown_inputs", Env: "CONDUCTOR_JWT_UNKNOWN_INPUTS", Kind: Choice, Default: "warn",
			Choices: []string{"warn", "error"},
			About:   "What an unknown input causes.",
			field:   func(c *Config) any { return &c.UnknownInputs },
		}, {
			Name: "verify_inline", Env: "CONDUCTOR_JWT_VERIFY_INLINE", Kind: Choice, Default: "deny",
			Choices: []string{Allow, "deny"},
			About:   "Whether a VERIFY_JWT task may bring its own key (docs/verify.md).",
			field:   func(c *Config) any { return &c.VerifyInline },
		}, {
			Name: "key_wait", Env: "CONDUCTOR_JWT_KEY_WAIT", Kind: Duration, Default: "10m",
			Max:   int64(24 * time.Hour),
			About: "Maximum age of a task that waits for a key store, a provider or an issuer.",
			field: func(c *Config) any { return &c.KeyWait },
		}, {
			Name: "key_cache", Env: "CONDUCTOR_JWT_KEY_CACHE", Kind: Count, Default: "1000", Max: 100_000,
			About: "Maximum number of parsed keys in memory.",
			field: func(c *Config) any { return &c.KeyCache },
		}, {
			Name: "policy", Env: "CONDUCTOR_JWT_POLICY", Kind: Path,
			About: "YAML file of named keys, profiles and grants (docs/keys.md); read again on SIGHUP too.",
			field: func(c *Config) any { return &c.Policy },
		}, {
			Name: "audit", Env: "CONDUCTOR_JWT_AUDIT", Kind: Path, Default: Off,
			About: "Where decisions are recorded as lines of JSON: off, stdout or a file, reopened on SIGHUP.",
			field: func(c *Config) any { return &c.Audit },
		},
	})
}

func endpointSettings() []Setting {
	return group("Endpoints and logging", []Setting{
		{
			Name: "listen", Env: "CONDUCTOR_JWT_LISTEN", Kind: Address, Default: "127.0.0.1:9991",
			About: "Address of /livez, /readyz, /metrics and, for clients on this machine, /status, or off; a free port if the default one is in use.",
			field: func(c *Config) any { return &c.Listen },
		}, {
			Name: "jwks_listen", Env: "CONDUCTOR_JWT_JWKS_LISTEN", Kind: Address, Default: Off,
			About: "Address of the JWK Sets and issuers' metadata (docs/keys.md), or off.",
			field: func(c *Config) any { return &c.JWKSListen },
		}, {
			Name: "status_listen", Env: "CONDUCTOR_JWT_STATUS_LISTEN", Kind: Address, Default: Off,
			About: "Address of the status page (docs/monitoring.md), or off.",
			field: func(c *Config) any { return &c.StatusListen },
		}, {
			Name: "ui_url", Env: "CONDUCTOR_JWT_UI_URL", Kind: URL,
			About: "URL of Conductor's UI, for links of the status page.",
			field: func(c *Config) any { return &c.UIURL },
		}, {
			Name: settingPprof, Env: "CONDUCTOR_JWT_PPROF_LISTEN", Kind: Address, Default: Off,
			About: "Address of the profiler's /debug/pprof/, or off; loopback only.",
			field: func(c *Config) any { return &c.PprofListen },
		}, {
			Name: settingLogLevel, Env: "LOG_LEVEL", Kind: Choice, Default: "info",
			Choices: []string{"debug", "info", "warn", "error"},
			About:   "Minimum log level.",
			field:   func(c *Config) any { return &c.LogLevel },
		}, {
			Name: "log_format", Env: "LOG_FORMAT", Kind: Choice, Default: "text on a terminal, else json", Computed: true,
			Choices: []string{"text", "json"},
			About:   "Format of a log line.",
			field:   func(c *Config) any { return &c.LogFormat },
		},
	})
}

func group(title string, rows []Setting) []Setting {
	for i := range rows {
		rows[i].Group = title
	}
	return rows
}
