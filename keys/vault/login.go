package vault

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// serviceAccountToken is where Kubernetes mounts a pod's own token.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // a path

// method is a way to get a token.
type method struct {
	// static returns a token that was issued outside of the worker; nil if the
	// worker logs in.
	static     func(context.Context) (secret.Text, error)
	path       string // of the login
	body       func(context.Context) (map[string]string, error)
	retryAfter time.Duration // when to send again what was refused
}

// Vault locks an AppRole out after five failures, each within 15 minutes of the
// one before it.
const (
	appRoleRetryAfter    = 16 * time.Minute
	kubernetesRetryAfter = 10 * time.Second
)

func (l Login) method() method {
	switch {
	case !l.Token.IsZero():
		return method{static: func(context.Context) (secret.Text, error) { return l.Token, nil }}
	case l.TokenFile != "":
		return method{static: func(ctx context.Context) (secret.Text, error) { return readCredential(ctx, l.TokenFile) }}
	case l.Kubernetes.Role != "":
		return l.Kubernetes.method()
	case l.AppRole.RoleID != "":
		return l.AppRole.method()
	}
	return method{static: func(context.Context) (secret.Text, error) {
		return secret.Text{}, keys.Refused("there is no way to log in to Vault", "set login in the policy's vault")
	}}
}

func (k Kubernetes) method() method {
	file := cmp.Or(k.TokenFile, serviceAccountToken)
	return method{path: loginPath(k.Mount, "kubernetes"), retryAfter: kubernetesRetryAfter, body: func(ctx context.Context) (map[string]string, error) {
		jwt, err := readCredential(ctx, file)
		return map[string]string{"role": k.Role, "jwt": jwt.Reveal()}, err
	}}
}

func (a AppRole) method() method {
	return method{path: loginPath(a.Mount, "approle"), retryAfter: appRoleRetryAfter, body: func(ctx context.Context) (map[string]string, error) {
		id, err := readCredential(ctx, a.SecretIDFile)
		return map[string]string{"role_id": a.RoleID, "secret_id": id.Reveal()}, err
	}}
}

func loginPath(mount, usual string) string {
	return "auth/" + cmp.Or(strings.Trim(mount, "/"), usual) + "/login"
}

const maxCredential = 64 << 10 // bytes

// readCredential reads a token or a secret id, without the line end that an
// editor leaves.
func readCredential(ctx context.Context, path string) (secret.Text, error) {
	const what, hint = "the file of Vault's credentials", "check the files that login names"
	raw, err := keyrest.ReadFile(ctx, path, maxCredential, what, hint)
	if err != nil {
		return secret.Text{}, err
	}
	text := strings.TrimSpace(string(raw))
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return secret.Text{}, keys.Refused(what+" holds more than one word of ASCII", hint)
	}
	return secret.New(text), nil
}

// grant is the answer to a login or a renewal.
type grant struct {
	Auth struct {
		ClientToken   secret.Text `json:"client_token"`
		LeaseDuration int64       `json:"lease_duration"` // seconds; 0: forever
		Renewable     bool        `json:"renewable"`
	} `json:"auth"`
}

func (g grant) lease() time.Duration { return time.Duration(g.Auth.LeaseDuration) * time.Second }

// refused is a login that was refused.
type refused struct {
	sent  [sha256.Size]byte // fingerprint of its body
	until time.Time
	err   error
}

// logIn gets a new token and keeps it. It does not send again what was refused
// until the method's retryAfter is over. The caller holds c.busy.
func (c *client) logIn(ctx context.Context) (secret.Text, error) {
	body, err := c.login.body(ctx)
	if err != nil {
		return secret.Text{}, err
	}
	sent := fingerprint(body)
	if c.refused.sent == sent && c.o.Now().Before(c.refused.until) {
		return secret.Text{}, c.refused.err
	}
	var g grant
	err = c.call(ctx, http.MethodPost, c.login.path, secret.Text{}, body, &g)
	switch {
	case errors.Is(err, keys.ErrRefused):
		err = store.Refused("refused the login", "check login of the policy's vault, and the role; a file that changes is tried at once")
		c.refused = refused{sent, c.o.Now().Add(c.login.retryAfter), err}
		return secret.Text{}, err
	case err != nil:
		return secret.Text{}, err
	case g.Auth.ClientToken.IsZero():
		return secret.Text{}, store.Unavailable("accepted the login and returned no token", "check the auth method")
	}
	c.keep(g.Auth.ClientToken, g.lease(), g.Auth.Renewable)
	return g.Auth.ClientToken, nil
}

func fingerprint(body map[string]string) [sha256.Size]byte {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(body)) {
		text.WriteString(name + "\x00" + body[name] + "\x00")
	}
	return sha256.Sum256([]byte(text.String()))
}
