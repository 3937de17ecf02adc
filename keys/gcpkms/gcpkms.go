// Package gcpkms is where keys come from Google Cloud KMS:
// gcpkms://projects/…/locations/…/keyRings/…/cryptoKeys/… . A private key never
// leaves it. It speaks REST: the client of gRPC weighs as much as the worker.
package gcpkms

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

// Options say how Cloud KMS is reached.
type Options struct {
	Endpoint        string // empty: Google's
	CredentialsFile string // empty: Google's default credentials
	Getenv          func(string) (string, bool)
	HTTP            *http.Client // nil makes one
	Now             func() time.Time
}

const googleEndpoint = "https://cloudkms.googleapis.com"

// New makes the Scheme. It calls nobody.
func New(o Options) keys.Scheme {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTP == nil {
		o.HTTP = keyrest.NewHTTP(nil)
	}
	o.Endpoint = strings.TrimRight(cmp.Or(o.Endpoint, googleEndpoint), "/")
	return scheme{&client{
		o: o, turn: make(chan struct{}, 1),
		rest:    keyrest.Client{Store: "google cloud kms", HTTP: o.HTTP},
		machine: keyrest.Client{Store: "google's metadata server", HTTP: keyrest.Direct(o.HTTP)},
	}}
}

type scheme struct{ c *client }

// Open implements [keys.Scheme].
func (s scheme) Open(uri string) (keys.Source, error) {
	name, ok := strings.CutPrefix(uri, "gcpkms://")
	const shape = `^(projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+)(/cryptoKeyVersions/\d+)?$`
	parts := regexp.MustCompile(shape).FindStringSubmatch(name)
	if !ok || parts == nil {
		return nil, &fault.Error{
			Reason: keys.ErrUnsupported, Found: "a uri that names no key of google cloud kms",
			Hint: "write gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K",
		}
	}
	only := ""
	if parts[2] != "" {
		only = name
	}
	return &source{c: s.c, name: parts[1], only: only, read: map[string]keys.Key{}}, nil
}

func odd() error {
	return keys.Unavailable("google cloud kms answered with something else than was asked for", "try again; then check endpoint")
}
