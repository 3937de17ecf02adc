// Package vault is where keys come from Vault or OpenBao: vault-kv:// reads
// them from the key-value engine, version 2, and they sign in this process;
// vault-transit:// leaves them there and has the transit engine sign. It
// speaks the HTTP API itself, which both servers have in common.
package vault

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// Options say how Vault is reached.
type Options struct {
	Address   string // https://vault:8200
	Namespace string // Vault Enterprise, OpenBao; empty: the root
	CAFile    string // PEM; empty: whom the system trusts
	Login     Login
	Parser    keys.Resolver // reads the text of a key from the key-value engine
	HTTP      *http.Client  // nil makes one
	Now       func() time.Time
}

// Login is one way to get a token; the first that is set is taken.
type Login struct {
	Token      secret.Text
	TokenFile  string // read anew for each call: an agent replaces it
	Kubernetes Kubernetes
	AppRole    AppRole
}

// Kubernetes logs in with the pod's service account.
type Kubernetes struct {
	Role      string
	Mount     string // empty: kubernetes
	TokenFile string // empty: where Kubernetes puts it
}

// AppRole logs in with a role id and a secret id.
type AppRole struct {
	RoleID       string
	SecretIDFile string
	Mount        string // empty: approle
}

// New makes the Scheme of vault-kv and vault-transit. It calls nobody; where
// Options cannot be right, no source opens.
func New(o Options) keys.Scheme {
	if o.Now == nil {
		o.Now = time.Now
	}
	roots, err := readCA(o.CAFile)
	if o.Address == "" {
		err = &fault.Error{Reason: keys.ErrMissing, Found: "a key of vault, and no address of vault", Hint: "add vault: {address: https://host:8200, …} to the policy"}
	}
	if o.HTTP == nil {
		o.HTTP = keyrest.NewHTTP(roots)
	}
	rest := keyrest.Client{Store: "vault", HTTP: o.HTTP}
	return &scheme{&client{o: o, rest: rest, login: o.Login.method(), turn: make(chan struct{}, 1)}, err}
}

type scheme struct {
	c     *client
	fault error // of the options
}

// Open implements [keys.Scheme].
func (s *scheme) Open(uri string) (keys.Source, error) {
	if s.fault != nil {
		return nil, s.fault
	}
	kind, rest, _ := strings.Cut(uri, "://")
	path, field, hasField := strings.Cut(rest, "#")
	mount, name, ok := cutMount(kind, path)
	switch {
	case kind == "vault-transit" && ok && !hasField:
		return &transit{c: s.c, mount: mount, name: name}, nil
	case kind == "vault-transit":
		return nil, malformed("write vault-transit://mount/key")
	case kind == "vault-kv" && ok && field != "":
		return &kv{c: s.c, mount: mount, path: name, field: field, read: map[int]keys.Key{}}, nil
	}
	return nil, malformed("write vault-kv://mount/path#field")
}

// cutMount tells the mount from what is below it. A mount may have several
// parts for transit, whose keys have one name; for the key-value engine it is
// the first part, unless a double slash says where it ends.
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
	return mount, name, plain(mount) && plain(name)
}

// plain reports whether a path can be put into an address as it is.
func plain(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || part != url.PathEscape(part) || strings.Contains(part, "%") {
			return false
		}
	}
	return true
}

func malformed(hint string) error {
	return &fault.Error{Reason: keys.ErrUnsupported, Found: "a uri that names no key of vault", Hint: hint}
}

// client asks one server.
type client struct {
	o     Options
	rest  keyrest.Client
	login method

	session
	turn    chan struct{} // held by whoever logs in or renews
	refused refused       // theirs
}

// do asks with the token, and with a new one where that is refused: it may
// have been revoked, or the server been set up again.
func (c *client) do(ctx context.Context, verb, path string, body, into any) error {
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	err = c.ask(ctx, verb, path, token, body, into)
	if !keyrest.Is(err, http.StatusForbidden) {
		return err
	}
	if next, replaced := c.replace(ctx, token); replaced {
		return c.ask(ctx, verb, path, next, body, into)
	}
	return err
}

func (c *client) ask(ctx context.Context, verb, path string, token secret.Text, body, into any) error {
	header := http.Header{"X-Vault-Request": {"true"}}
	if !token.IsZero() {
		header.Set("X-Vault-Token", token.Reveal())
	}
	if c.o.Namespace != "" {
		header.Set("X-Vault-Namespace", c.o.Namespace)
	}
	at := strings.TrimRight(c.o.Address, "/") + "/v1/" + path
	return c.rest.Do(ctx, keyrest.Request{Method: verb, URL: at, Header: header, Body: body, Refusal: refusal}, into)
}

// refusal tells what is asked wrongly from a fault of the server: Vault says
// 500 of both where a version may not sign, and up to 1.14.0 of a secret id
// that is not known.
func refusal(body []byte) bool {
	return slices.ContainsFunc([]string{"requested version for signing", "no such key version", "invalid secret id"}, func(text string) bool {
		return bytes.Contains(body, []byte(text))
	})
}

// missing says of an answer of 404 that what was asked for is not there.
func missing(err error, found string) error {
	if !keyrest.Is(err, http.StatusNotFound) {
		return err
	}
	return &fault.Error{Reason: keys.ErrMissing, Found: found, Hint: "correct the source, or create it; mind the mount and the namespace"}
}

func odd() error {
	return keys.Unavailable("vault answered with something else than was asked for", "check its address and the mount")
}
