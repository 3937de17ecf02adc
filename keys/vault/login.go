package vault

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// serviceAccountToken is where Kubernetes mounts a pod's own token.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // a path

// method is a way to get a token.
type method struct {
	// static reads a token that somebody else has made; nil where we log in.
	static func(context.Context) (secret.Text, error)
	path   string // of the login
	body   func(context.Context) (map[string]string, error)
	again  time.Duration // when to show again what was refused
}

// Vault locks a role of AppRole out for everybody after five failures, none
// of them a quarter of an hour after the one before.
const (
	appRoleAgain    = 16 * time.Minute
	kubernetesAgain = 10 * time.Second
)

// refused is a login that was.
type refused struct {
	shown [sha256.Size]byte
	until time.Time
	err   error
}

func (l Login) method() method {
	switch {
	case !l.Token.IsZero():
		return method{static: func(context.Context) (secret.Text, error) { return l.Token, nil }}
	case l.TokenFile != "":
		return method{static: func(ctx context.Context) (secret.Text, error) { return readText(ctx, l.TokenFile) }}
	case l.Kubernetes.Role != "":
		return l.Kubernetes.method()
	case l.AppRole.RoleID != "":
		return l.AppRole.method()
	}
	return method{static: func(context.Context) (secret.Text, error) {
		return secret.Text{}, keys.Refused("no way to log in to vault", "set login in the policy's vault")
	}}
}

func (k Kubernetes) method() method {
	file := cmp.Or(k.TokenFile, serviceAccountToken)
	return method{path: "auth/" + mount(k.Mount, "kubernetes") + "/login", again: kubernetesAgain, body: func(ctx context.Context) (map[string]string, error) {
		jwt, err := readText(ctx, file) // anew each time: the kubelet replaces it
		return map[string]string{"role": k.Role, "jwt": jwt.Reveal()}, err
	}}
}

func (a AppRole) method() method {
	return method{path: "auth/" + mount(a.Mount, "approle") + "/login", again: appRoleAgain, body: func(ctx context.Context) (map[string]string, error) {
		id, err := readText(ctx, a.SecretIDFile)
		return map[string]string{"role_id": a.RoleID, "secret_id": id.Reveal()}, err
	}}
}

// mount is where a way to log in is mounted; usual where nothing is said.
func mount(path, usual string) string { return cmp.Or(strings.Trim(path, "/"), usual) }

// grant is what a login, or a renewal, gives.
type grant struct {
	Auth struct {
		ClientToken   secret.Text `json:"client_token"`
		LeaseDuration int64       `json:"lease_duration"` // seconds; 0: forever
		Renewable     bool        `json:"renewable"`
	} `json:"auth"`
}

// logIn gets a new token. What was refused is not shown again for a while.
func (c *client) logIn(ctx context.Context) (grant, error) {
	body, err := c.login.body(ctx)
	if err != nil {
		return grant{}, err
	}
	shown := fingerprint(body)
	if c.refused.shown == shown && c.o.Now().Before(c.refused.until) {
		return grant{}, c.refused.err
	}
	var g grant
	if err = c.ask(ctx, http.MethodPost, c.login.path, secret.Text{}, body, &g); errors.Is(err, keys.ErrRefused) {
		err = keys.Refused("a login that vault does not take", "check login of the policy's vault, and the role; a file that changes is tried at once")
		c.refused = refused{shown, c.o.Now().Add(c.login.again), err}
	}
	if err == nil && g.Auth.ClientToken.IsZero() {
		err = keys.Unavailable("vault logged the worker in without a token", "look at the auth method")
	}
	if err != nil {
		return grant{}, err
	}
	return g, nil
}

func fingerprint(body map[string]string) [sha256.Size]byte {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(body)) {
		text.WriteString(name + "\x00" + body[name] + "\x00")
	}
	return sha256.Sum256([]byte(text.String()))
}

// How long the files may be, in bytes.
const (
	maxText = 64 << 10
	maxCA   = 1 << 20
)

// readText reads a token without the line end that an editor leaves.
func readText(ctx context.Context, path string) (secret.Text, error) {
	raw, err := readfile.Regular(ctx, path, maxText)
	if errors.Is(err, readfile.ErrTimeout) {
		return secret.Text{}, keys.Unavailable("a file of credentials for vault that cannot be read in time", "look at the disk of the files that login names")
	}
	text := strings.TrimSpace(string(raw))
	if err != nil || text == "" || len(raw) > maxText || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return secret.Text{}, keys.Refused("a file of credentials for vault that cannot be read, is empty or holds something else", "check the files that login names")
	}
	return secret.New(text), nil
}

func readCA(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := readfile.Shared(path, maxCA)
	pool := x509.NewCertPool()
	if err != nil || len(pem) > maxCA || !pool.AppendCertsFromPEM(pem) {
		return nil, &fault.Error{Reason: keys.ErrMissing, Found: "a ca_file that cannot be read or holds no certificate", Hint: "name a file of PEM certificates"}
	}
	return pool, nil
}
