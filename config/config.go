// Package config holds the worker's settings: one table, from which come the
// flags, the environment variables, the file, the schema and the documents.
//
// A flag beats the environment, the environment the file, the file the
// default. Where a setting came from is kept, and everything that is wrong is
// reported at once. Messages name a setting and its origin, never its value:
// a variable may hold the secret that was meant for its neighbour.
package config

import (
	"time"

	"conductor-jwt/internal/secret"
)

// Config is the settings of one process, checked.
type Config struct {
	File string // where the file's settings came from; empty without one

	ServerURL             string // with or without /api
	AuthKey               string // empty without authentication
	AuthSecret            secret.Text
	TLSCACert             string // paths of PEM files
	TLSClientCert         string
	TLSClientKey          string
	TLSInsecureSkipVerify bool
	HeadersFile           string      // path of a file of further request headers
	Proxy                 secret.Text // a URL that may hold a password; empty leaves it to the usual proxy variables

	TaskTypes        []string // at least one, no two alike
	Domain           string
	WorkerID         string
	Slots            int // at least one for each task type
	Pollers          int // cold polls for each task type
	PollTimeout      time.Duration
	DrainTimeout     time.Duration
	RegisterTaskdefs string // RegisterOff or RegisterMissing
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

	Listen       string // of health and metrics; empty is off
	JWKSListen   string // of the public keys; empty is off
	StatusListen string // of the status page; empty is off
	UIURL        string // of Conductor's; empty for no links
	PprofListen  string // of profiles, on loopback; empty is off
	LogLevel     string // debug, info, warn, error
	LogFormat    string // text, json; empty is text on a terminal and json elsewhere
}

// The values of [Config.RegisterTaskdefs].
const (
	RegisterOff     = "off"
	RegisterMissing = "missing"
)

// The values of [Config.Audit] that are no file.
const (
	AuditOff    = "off"
	AuditStdout = "stdout"
)

// off is how an address is written that is not to be listened on.
const off = "off"
