// Package gcpkms signs with keys of Google Cloud KMS:
// gcpkms://projects/…/locations/…/keyRings/…/cryptoKeys/… . A private key never
// leaves KMS. It calls the REST API: the gRPC client is as large as the worker.
package gcpkms

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

const (
	store    keyrest.Store = "Google Cloud KMS"
	metadata keyrest.Store = "Google's metadata server"
)

// Options are the connection to Cloud KMS.
type Options struct {
	Endpoint        string // empty: Google's
	CredentialsFile string // empty: Google's default credentials
	Getenv          func(string) (string, bool)
	HTTP            *http.Client // nil: a new one
	Now             func() time.Time
}

const googleEndpoint = "https://cloudkms.googleapis.com"

// New returns the Scheme. It makes no call.
func New(o Options) keys.Scheme {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTP == nil {
		o.HTTP = keyrest.NewHTTP(nil)
	}
	o.Endpoint = strings.TrimRight(cmp.Or(o.Endpoint, googleEndpoint), "/")
	return scheme{&client{
		o: o, login: make(chan struct{}, 1),
		kms:      keyrest.Client{Store: store, HTTP: o.HTTP},
		metadata: keyrest.Client{Store: metadata, HTTP: keyrest.Direct(o.HTTP)},
	}}
}

type scheme struct{ c *client }

// Open implements [keys.Scheme].
func (s scheme) Open(uri string) (keys.Source, error) {
	name, ok := strings.CutPrefix(uri, "gcpkms://")
	const shape = `^(projects/[\w.:-]+/locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+)(/cryptoKeyVersions/\d+)?$`
	parts := regexp.MustCompile(shape).FindStringSubmatch(name)
	if !ok || parts == nil {
		return nil, store.Unsupported("this is not the URI of a key", "write gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K")
	}
	only := ""
	if parts[2] != "" {
		only = name
	}
	return &source{c: s.c, name: parts[1], only: only}, nil
}
