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

	TaskTypes        []string // at least one, all different
	Domain           string
	WorkerID         string
	Slots            int // at least one for each task type
	Pollers          int // long polls for each task type
	PollTimeout      time.Duration
	DrainTimeout     time.Duration
	RegisterTaskdefs string // RegisterOff or registerMissing
	OwnerEmail       string

	DefaultTTL      time.Duration // whole seconds
	MaxTTL          time.Duration // whole seconds
	Output          string        // token, _secrets, both
	SecretInjection string        // auto, stored, key, off
	UnknownInputs   string        // warn, error
	KeyWait         time.Duration
	KeyCache        int    // parsed keys; 0 keeps none
	Policy          string // path of the policy file; empty without one
	Audit           string // AuditOff, AuditStdout or the path of a file

	Listen       string // address of health and metrics; empty: off
	JWKSListen   string // address of the public keys; empty: off
	StatusListen string // address of the status page; empty: off
	UIURL        string // of Conductor's user interface; empty: no links
	PprofListen  string // address of profiles, on loopback; empty: off
	LogLevel     string // debug, info, warn, error
	LogFormat    string // text, json; empty: text on a terminal, else json
}

// The values of [Config.RegisterTaskdefs].
const (
	RegisterOff     = "off"
	registerMissing = "missing"
)

// The values of [Config.Audit] that are not the path of a file.
const (
	AuditOff    = "off"
	AuditStdout = "stdout"
)

// off is the value of an address, or a choice, that switches its feature off.
const off = "off"
