// Package vault uses keys of Vault or OpenBao: vault-kv:// reads them from the
// key-value engine, version 2, and signs in this process; vault-transit:// has
// the transit engine sign. It calls the HTTP API itself, which is the same for
// both servers.
package vault

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

const store keyrest.Store = "Vault"

// Options are the connection to Vault.
type Options struct {
	Address   string // https://vault:8200
	Namespace string // of Vault Enterprise or OpenBao; empty: the root
	CAFile    string // PEM; empty: the system's authorities
	Login     Login
	Parser    keys.Resolver // parses the keys of the key-value engine
	HTTP      *http.Client  // nil: a new one
	Now       func() time.Time
}

// Login is one way to get a token; the first that is set counts.
type Login struct {
	Token      secret.Text
	TokenFile  string // read for each call: an agent replaces it
	Kubernetes Kubernetes
	AppRole    AppRole
}

// Kubernetes logs in with the pod's service account.
type Kubernetes struct {
	Role      string
	Mount     string // empty: kubernetes
	TokenFile string // empty: the path that Kubernetes uses
}

// AppRole logs in with a role id and a secret id.
type AppRole struct {
	RoleID       string
	SecretIDFile string
	Mount        string // empty: approle
}

// New returns the Scheme of vault-kv and vault-transit. It makes no call; if o
// is not valid, Open fails.
func New(o Options) keys.Scheme {
	if o.Now == nil {
		o.Now = time.Now
	}
	roots, err := readCA(o.CAFile)
	if o.Address == "" {
		err = &fault.Error{Reason: keys.ErrMissing, Found: "the key is in Vault, and Vault has no address", Hint: "add vault: {address: https://host:8200, …} to the policy"}
	}
	if o.HTTP == nil {
		o.HTTP = keyrest.NewHTTP(roots)
	}
	rest := keyrest.Client{Store: store, HTTP: o.HTTP}
	return &scheme{&client{o: o, rest: rest, login: o.Login.method(), busy: make(chan struct{}, 1)}, err}
}

const maxCA = 1 << 20 // bytes

func readCA(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := readfile.Shared(path, maxCA)
	pool := x509.NewCertPool()
	if err != nil || len(pem) > maxCA || !pool.AppendCertsFromPEM(pem) {
		return nil, &fault.Error{Reason: keys.ErrMissing, Found: "the ca_file cannot be read or holds no certificate", Hint: "name a file of PEM certificates"}
	}
	return pool, nil
}

type scheme struct {
	c   *client
	err error // of the options
}

// Open implements [keys.Scheme].
func (s *scheme) Open(uri string) (keys.Source, error) {
	if s.err != nil {
		return nil, s.err
	}
	kind, rest, _ := strings.Cut(uri, "://")
	path, field, hasField := strings.Cut(rest, "#")
	mount, name, ok := cutMount(kind, path)
	switch {
	case kind == "vault-transit" && ok && !hasField:
		return &transit{c: s.c, mount: mount, name: name}, nil
	case kind == "vault-transit":
		return nil, store.Unsupported("this is not the URI of a key", "write vault-transit://mount/key")
	case kind == "vault-kv" && ok && field != "":
		return &kv{c: s.c, mount: mount, path: name, field: field}, nil
	}
	return nil, store.Unsupported("this is not the URI of a key", "write vault-kv://mount/path#field")
}

// cutMount splits a path into the mount and the rest. A double slash ends the
// mount. Without one, the name of a transit key is the last segment, and the
// mount of the key-value engine is the first segment.
func cutMount(kind, path string) (mount, name string, ok bool) {
	mount, name, ok = strings.Cut(path, "//")
	switch {
	case ok:
	case kind == "vault-transit":
		i := strings.LastIndex(path, "/")
		if i < 0 {
			return "", "", false
		}
		mount, name = path[:i], path[i+1:]
	default:
		mount, name, _ = strings.Cut(path, "/")
	}
	return mount, name, isPlain(mount) && isPlain(name)
}

// isPlain reports whether a path can be part of a URL without escapes.
func isPlain(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || segment == "." || segment == ".." || segment != url.PathEscape(segment) || strings.Contains(segment, "%") {
			return false
		}
	}
	return true
}

// client calls one server.
type client struct {
	o     Options
	rest  keyrest.Client
	login method

	session
	busy    chan struct{} // a semaphore of one: who logs in or renews
	refused refused       // guarded by busy
}

// do calls the API. If the token is refused, it calls once more with a new one:
// the old one may have been revoked, or the server been set up again.
func (c *client) do(ctx context.Context, method, path string, body, into any) error {
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	err = c.call(ctx, method, path, token, body, into)
	if !keyrest.Is(err, http.StatusForbidden) {
		return err
	}
	if next, ok := c.replace(ctx, token); ok {
		return c.call(ctx, method, path, next, body, into)
	}
	return err
}

func (c *client) call(ctx context.Context, method, path string, token secret.Text, body, into any) error {
	header := http.Header{"X-Vault-Request": {"true"}}
	if !token.IsZero() {
		header.Set("X-Vault-Token", token.Reveal())
	}
	if c.o.Namespace != "" {
		header.Set("X-Vault-Namespace", c.o.Namespace)
	}
	at := strings.TrimRight(c.o.Address, "/") + "/v1/" + path
	return c.rest.Do(ctx, keyrest.Request{Method: method, URL: at, Header: header, Body: body, IsRefusal: isRefusal}, into)
}

// isRefusal reports whether a 500 answer is a refusal and no fault of the
// server: of a version that may not sign and, up to Vault 1.14.0, of an unknown
// secret id.
func isRefusal(body []byte) bool {
	return slices.ContainsFunc([]string{"requested version for signing", "no such key version", "invalid secret id"}, func(text string) bool {
		return bytes.Contains(body, []byte(text))
	})
}

const missingHint = "correct the source, or create it; check the mount and the namespace"
