package config

import (
	"slices"
	"strings"
	"time"
)

// Setting is one row of the table.
type Setting struct {
	Name    string // in the file, snake_case
	Env     string
	Flag    string // without dashes; empty where no flag sets it
	Default string // as it would be written; a sentence where Computed
	About   string // one sentence
	Group   Group
	Kind    Kind
	Choices []string // of a Choice

	Computed bool // the default is worked out at start
	Secret   bool // never printed, no flag, and a twin that names a file

	// Least and Most bound a Count, and a Duration in nanoseconds.
	Least, Most int64

	field func(*Config) any // where it is kept; nil where it is not kept
}

// Kind is what a setting's text is read as.
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
	List     Kind = "list" // in the environment and a flag separated by commas
)

// Group is a part of the table.
type Group string

// The groups, in their order.
const (
	GroupConnection Group = "Connection to Conductor"
	GroupWork       Group = "Polling and running"
	GroupTask       Group = "The task"
	GroupSeen       Group = "Seen from outside"
)

// EnvFile is the variable that names a file which holds the secret.
func (s Setting) EnvFile() string {
	if !s.Secret {
		return ""
	}
	return s.Env + "_FILE"
}

// NameFile is what [Setting.EnvFile] is, in the file.
func (s Setting) NameFile() string {
	if !s.Secret {
		return ""
	}
	return s.Name + "_file"
}

// inFile reports whether the configuration file may hold the setting; the
// file's own path is set from outside.
func (s Setting) inFile() bool { return s.Name != settingConfig }

// canBeOff reports whether off is a value of the setting.
func (s Setting) canBeOff() bool {
	return s.Kind == Address || s.Default == off || slices.Contains(s.Choices, off)
}

// Settings returns the table.
func Settings() []Setting {
	rows := slices.Concat(connectionSettings(), workSettings(), taskSettings(), outsideSettings())
	for i := range rows {
		row := &rows[i]
		if row.Flag == "" && !row.Secret {
			row.Flag = strings.ReplaceAll(row.Name, "_", "-")
		}
	}
	return rows
}

// Names of settings that the code speaks of.
const (
	settingConfig     = "config"
	settingListen     = "listen"
	settingDefaultTTL = "default_ttl"
	settingPprof      = "pprof_listen"
	settingDomain     = "domain"
	settingLogLevel   = "log_level"
)

// Bounds that have a reason.
const (
	// mostPoll is what the server waits at most, whatever it is asked for.
	mostPoll = 5 * time.Second
	// mostTTL is a hundred years: beyond it exp is a mistake, not a choice.
	mostTTL = 100 * 365 * 24 * time.Hour
	// mostSlots keeps the memory of the tasks in hand within reason.
	mostSlots = 10_000
)

func connectionSettings() []Setting {
	return group(GroupConnection, []Setting{
		{
			Name: settingConfig, Env: "CONDUCTOR_JWT_CONFIG", Kind: Path,
			About: "YAML file of settings, under the names of docs/configuration.md.",
			field: func(c *Config) any { return &c.File },
		}, {
			Name: "server_url", Env: "CONDUCTOR_SERVER_URL", Kind: URL, Default: "http://localhost:8080/api",
			About: "URL of the Conductor server, with or without /api.",
			field: func(c *Config) any { return &c.ServerURL },
		}, {
			Name: "auth_key", Env: "CONDUCTOR_AUTH_KEY", Kind: Text,
			About: "Key id of the application that the worker signs in as; none where the server asks for none.",
			field: func(c *Config) any { return &c.AuthKey },
		}, {
			Name: "auth_secret", Env: "CONDUCTOR_AUTH_SECRET", Kind: Text, Secret: true,
			About: "Key secret that belongs to auth_key.",
			field: func(c *Config) any { return &c.AuthSecret },
		}, {
			Name: "tls_ca_cert", Env: "CONDUCTOR_TLS_CA_CERT", Kind: Path,
			About: "PEM file of the authorities that the server's certificate is checked against, in place of the system's.",
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
			About: "Do not check the server's certificate; whoever answers then gets tasks and their keys.",
			field: func(c *Config) any { return &c.TLSInsecureSkipVerify },
		}, {
			Name: "proxy", Env: "CONDUCTOR_PROXY", Kind: Proxy,
			About: "URL of the proxy to the server; without it HTTP_PROXY, HTTPS_PROXY and NO_PROXY are obeyed.",
			field: func(c *Config) any { return &c.Proxy },
		}, {
			Name: "headers_file", Env: "CONDUCTOR_HEADERS_FILE", Kind: Path,
			About: "File of further request headers, for a gateway in front of the server: one `Name: value` on each line; read again when it changes.",
			field: func(c *Config) any { return &c.HeadersFile },
		},
	})
}

func workSettings() []Setting {
	return group(GroupWork, []Setting{
		{
			Name: "task_types", Env: "CONDUCTOR_JWT_TASK_TYPES", Kind: List, Default: "GET_SIGNED_JWT",
			About: "Task types to poll for.",
			field: func(c *Config) any { return &c.TaskTypes },
		}, {
			Name: settingDomain, Env: "CONDUCTOR_JWT_DOMAIN", Kind: Text,
			About: "Task domain to poll in.",
			field: func(c *Config) any { return &c.Domain },
		}, {
			Name: "worker_id", Env: "CONDUCTOR_JWT_WORKER_ID", Kind: Text, Default: "host name and process id", Computed: true,
			About: "Name under which the server lists this worker.",
			field: func(c *Config) any { return &c.WorkerID },
		}, {
			Name: "slots", Env: "CONDUCTOR_JWT_SLOTS", Kind: Count, Default: "8 x cores", Computed: true,
			Least: 1, Most: mostSlots,
			About: "Tasks in hand at once; at least one for each task type.",
			field: func(c *Config) any { return &c.Slots },
		}, {
			Name: "pollers", Env: "CONDUCTOR_JWT_POLLERS", Kind: Count, Default: "2", Least: 1, Most: 64,
			About: "Long polls that wait for the first task, for each task type.",
			field: func(c *Config) any { return &c.Pollers },
		}, {
			Name: "poll_timeout", Env: "CONDUCTOR_JWT_POLL_TIMEOUT", Kind: Duration, Default: "5s",
			Least: int64(time.Millisecond), Most: int64(mostPoll),
			About: "How long the server may hold such a poll; it takes 5s at the most.",
			field: func(c *Config) any { return &c.PollTimeout },
		}, {
			Name: "drain_timeout", Env: "CONDUCTOR_JWT_DRAIN_TIMEOUT", Kind: Duration, Default: "25s",
			Most:  int64(time.Hour),
			About: "How long tasks in hand may take to finish after SIGTERM before they are given back.",
			field: func(c *Config) any { return &c.DrainTimeout },
		}, {
			Name: "register_taskdefs", Env: "CONDUCTOR_JWT_REGISTER_TASKDEFS", Kind: Choice, Default: RegisterMissing,
			Choices: []string{RegisterOff, RegisterMissing},
			About:   "Create task definitions that do not exist; an existing one is never changed.",
			field:   func(c *Config) any { return &c.RegisterTaskdefs },
		}, {
			Name: "owner_email", Env: "CONDUCTOR_JWT_OWNER_EMAIL", Kind: Text,
			About: "ownerEmail of the task definitions that the worker creates.",
			field: func(c *Config) any { return &c.OwnerEmail },
		},
	})
}

func taskSettings() []Setting {
	return group(GroupTask, []Setting{
		{
			Name: settingDefaultTTL, Env: "CONDUCTOR_JWT_DEFAULT_TTL", Kind: Duration, Default: "300s",
			Least: int64(time.Second), Most: int64(mostTTL),
			About: "Lifetime of a token whose task names none; whole seconds, and at most max_ttl.",
			field: func(c *Config) any { return &c.DefaultTTL },
		}, {
			Name: "max_ttl", Env: "CONDUCTOR_JWT_MAX_TTL", Kind: Duration, Default: "24h",
			Least: int64(time.Second), Most: int64(mostTTL),
			About: "Longest lifetime that a task may ask for; whole seconds.",
			field: func(c *Config) any { return &c.MaxTTL },
		}, {
			Name: "output", Env: "CONDUCTOR_JWT_OUTPUT", Flag: "output-path", Kind: Choice, Default: "token",
			Choices: []string{"token", "_secrets", "both"},
			About:   "Where the output holds the token: token, _secrets.token, or both.",
			field:   func(c *Config) any { return &c.Output },
		}, {
			Name: "secret_injection", Env: "CONDUCTOR_JWT_SECRET_INJECTION", Kind: Choice, Default: "auto",
			Choices: []string{"auto", "stored", "key", "off"},
			About:   "How hard to look for secrets that reached a token's claims through a workflow's data.",
			field:   func(c *Config) any { return &c.SecretInjection },
		}, {
			Name: "unknown_inputs", Env: "CONDUCTOR_JWT_UNKNOWN_INPUTS", Kind: Choice, Default: "warn",
			Choices: []string{"warn", "error"},
			About:   "What an input of an unknown name does.",
			field:   func(c *Config) any { return &c.UnknownInputs },
		}, {
			Name: "key_wait", Env: "CONDUCTOR_JWT_KEY_WAIT", Kind: Duration, Default: "10m",
			Most:  int64(24 * time.Hour),
			About: "Age up to which a task waits for a key store that does not answer.",
			field: func(c *Config) any { return &c.KeyWait },
		}, {
			Name: "key_cache", Env: "CONDUCTOR_JWT_KEY_CACHE", Kind: Count, Default: "1000", Most: 100_000,
			About: "Parsed keys to keep in memory; 0 keeps none.",
			field: func(c *Config) any { return &c.KeyCache },
		}, {
			Name: "policy", Env: "CONDUCTOR_JWT_POLICY", Kind: Path,
			About: "YAML file of named keys, profiles and grants (docs/keys.md); read again on SIGHUP.",
			field: func(c *Config) any { return &c.Policy },
		}, {
			Name: "audit", Env: "CONDUCTOR_JWT_AUDIT", Kind: Path, Default: AuditOff,
			About: "Where each decision is recorded, as a line of JSON: off, stdout or a file, which is opened again on SIGHUP.",
			field: func(c *Config) any { return &c.Audit },
		},
	})
}

func outsideSettings() []Setting {
	return group(GroupSeen, []Setting{
		{
			Name: settingListen, Env: "CONDUCTOR_JWT_LISTEN", Kind: Address, Default: "127.0.0.1:9991",
			About: "Address of /livez, /readyz and /metrics, or off; a busy port ends the start only where the address was set.",
			field: func(c *Config) any { return &c.Listen },
		}, {
			Name: "jwks_listen", Env: "CONDUCTOR_JWT_JWKS_LISTEN", Kind: Address, Default: off,
			About: "Address of /.well-known/jwks.json, the public halves of the configured keys, or off.",
			field: func(c *Config) any { return &c.JWKSListen },
		}, {
			Name: "status_listen", Env: "CONDUCTOR_JWT_STATUS_LISTEN", Kind: Address, Default: off,
			About: "Address of the status page, or off; it shows names of tasks and settings, and no secret.",
			field: func(c *Config) any { return &c.StatusListen },
		}, {
			Name: "ui_url", Env: "CONDUCTOR_JWT_UI_URL", Kind: URL,
			About: "URL of Conductor's user interface, to which the status page links.",
			field: func(c *Config) any { return &c.UIURL },
		}, {
			Name: settingPprof, Env: "CONDUCTOR_JWT_PPROF_LISTEN", Kind: Address, Default: off,
			About: "Address of the profiler's /debug/pprof/, or off; loopback only, because a profile tells how the process works.",
			field: func(c *Config) any { return &c.PprofListen },
		}, {
			Name: settingLogLevel, Env: "LOG_LEVEL", Kind: Choice, Default: "info",
			Choices: []string{"debug", "info", "warn", "error"},
			About:   "Least level that is logged.",
			field:   func(c *Config) any { return &c.LogLevel },
		}, {
			Name: "log_format", Env: "LOG_FORMAT", Kind: Choice, Default: "text on a terminal, else json", Computed: true,
			Choices: []string{"text", "json"},
			About:   "How a log line is written.",
			field:   func(c *Config) any { return &c.LogFormat },
		},
	})
}

func group(g Group, rows []Setting) []Setting {
	for i := range rows {
		rows[i].Group = g
	}
	return rows
}
