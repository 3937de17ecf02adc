package vault_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/vault"
	"conductor-jwt/test/vaulttest"
)

// clock is the clock of both sides.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const (
	login = "POST auth/approle/login"
	renew = "POST auth/token/renew-self"
	look  = "GET auth/token/lookup-self"
)

// loggedIn returns a server with a key, and its source, which logs in with an
// AppRole.
func loggedIn(t *testing.T, l vaulttest.Lease) (*vaulttest.Server, *clock, keys.Source) {
	t.Helper()
	s, c := vaulttest.New(t), &clock{now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	s.Now = c.Now
	s.PutTransit("transit/k", vaulttest.NewKey("ed25519"))
	s.AppRole("approle", "role", "secret", l)
	o := vault.Options{Address: s.URL, Now: c.Now, Login: vault.Login{AppRole: vault.AppRole{RoleID: "role", SecretIDFile: write(t, "secret\n")}}}
	return s, c, open(t, o, "vault-transit://transit/k")
}

func works(t *testing.T, s keys.Source) {
	t.Helper()
	if _, err := s.Versions(t.Context()); err != nil {
		t.Error(err)
	}
}

func calls(t *testing.T, s *vaulttest.Server, want map[string]int) {
	t.Helper()
	for what, n := range want {
		if got := s.Calls(what); got != n {
			t.Errorf("%s: %d times, want %d", what, got, n)
		}
	}
}

func TestLoginMethods(t *testing.T) {
	s := vaulttest.New(t)
	s.Namespace = "team/a"
	s.PutTransit("transit/k", vaulttest.NewKey("ed25519"))
	s.AppRole("approle", "role", "secret", vaulttest.Lease{TTL: time.Hour})
	s.AppRole("roles/b", "role-b", "secret-b", vaulttest.Lease{TTL: time.Hour})
	s.Kubernetes("kubernetes", "worker", "a.b.c", vaulttest.Lease{TTL: time.Hour})
	s.Kubernetes("k8s", "worker", "d.e.f", vaulttest.Lease{TTL: time.Hour})
	s.Token("static", vaulttest.Lease{})
	for name, l := range map[string]vault.Login{
		"a token":                 {Token: secret.New("static")},
		"a token's file":          {TokenFile: write(t, "\ufeffstatic\n")},
		"a service account":       {Kubernetes: vault.Kubernetes{Role: "worker", TokenFile: write(t, "a.b.c")}},
		"a mount of another name": {Kubernetes: vault.Kubernetes{Role: "worker", Mount: "k8s", TokenFile: write(t, "\ufeffd.e.f\r\n")}},
		"an app role":             {AppRole: vault.AppRole{RoleID: "role", SecretIDFile: write(t, "secret\n")}},
		"an app role's mount":     {AppRole: vault.AppRole{RoleID: "role-b", Mount: "/roles/b/", SecretIDFile: write(t, "secret-b")}},
	} {
		t.Run(name, func(t *testing.T) {
			works(t, open(t, vault.Options{Address: s.URL + "/", Namespace: "team/a", Login: l}, "vault-transit://transit/k"))
		})
	}
	outside := open(t, asRoot(s), "vault-transit://transit/k")
	if _, err := outside.Versions(t.Context()); err == nil {
		t.Error("the key is found outside of its namespace")
	}
}

func TestTokenIsRenewedInTime(t *testing.T) {
	s, c, source := loggedIn(t, vaulttest.Lease{TTL: time.Hour})
	works(t, source)
	c.pass(20 * time.Minute)
	works(t, source)
	calls(t, s, map[string]int{login: 1, renew: 0})
	for range 10 {
		c.pass(31 * time.Minute)
		works(t, source)
	}
	calls(t, s, map[string]int{login: 1, renew: 10})
}

func TestTokenIsReplacedBeforeMaxTTL(t *testing.T) {
	s, c, source := loggedIn(t, vaulttest.Lease{TTL: time.Hour, MaxTTL: 90 * time.Minute})
	for range 100 {
		works(t, source)
		c.pass(5 * time.Minute)
	}
	if n := s.Calls(login); n < 6 || n > 12 {
		t.Errorf("%d logins within 500 minutes", n)
	}
}

func TestExpiredTokenIsReplaced(t *testing.T) {
	s, c, source := loggedIn(t, vaulttest.Lease{TTL: time.Minute})
	works(t, source)
	c.pass(time.Hour)
	works(t, source)
	calls(t, s, map[string]int{login: 2, renew: 0})
}

func TestRevokedTokenIsReplaced(t *testing.T) {
	s, c, source := loggedIn(t, vaulttest.Lease{})
	works(t, source)
	s.Revoke()
	c.pass(time.Minute)
	works(t, source)
	calls(t, s, map[string]int{login: 2})
}

func TestMissingPermissionLogsInOnce(t *testing.T) {
	s, _, source := loggedIn(t, vaulttest.Lease{TTL: time.Hour})
	s.Deny("transit/keys/k")
	for range 5 {
		if _, err := source.Versions(t.Context()); !errors.Is(err, keys.ErrRefused) {
			t.Error(err)
		}
	}
	calls(t, s, map[string]int{login: 1})
}

func TestFailedLoginKeepsValidToken(t *testing.T) {
	s, c, source := loggedIn(t, vaulttest.Lease{TTL: time.Hour})
	works(t, source)
	c.pass(40 * time.Minute)
	s.Fail(func(r *http.Request) int {
		if r.URL.Path == "/v1/auth/approle/login" || r.URL.Path == "/v1/auth/token/renew-self" {
			return http.StatusInternalServerError
		}
		return 0
	})
	for range 5 {
		works(t, source)
	}
	calls(t, s, map[string]int{login: 3, renew: 2}) // each twice, and then not again for 10 s
	s.Fail(nil)
	c.pass(time.Minute)
	works(t, source)
	calls(t, s, map[string]int{login: 3, renew: 3})
}

func TestRefusedLoginIsRetriedLater(t *testing.T) {
	s, c := vaulttest.New(t), &clock{now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	s.Now = c.Now
	s.PutTransit("transit/k", vaulttest.NewKey("ed25519"))
	s.AppRole("approle", "role", "another", vaulttest.Lease{})
	s.Kubernetes("kubernetes", "worker", "another", vaulttest.Lease{})
	for _, row := range []struct {
		login vault.Login
		path  string
		again time.Duration
	}{
		{vault.Login{AppRole: vault.AppRole{RoleID: "role", SecretIDFile: write(t, "secret")}}, login, 16 * time.Minute},
		{vault.Login{Kubernetes: vault.Kubernetes{Role: "worker", TokenFile: write(t, "a.b.c")}}, "POST auth/kubernetes/login", 10 * time.Second},
	} {
		source := open(t, vault.Options{Address: s.URL, Now: c.Now, Login: row.login}, "vault-transit://transit/k")
		for n := 1; n <= 2; n++ {
			for range 5 {
				refused(t, signs(t, source))
				calls(t, s, map[string]int{row.path: n})
				c.pass(row.again/5 - time.Millisecond)
			}
			c.pass(5 * time.Millisecond)
		}
	}
}

func TestConcurrentCallersLogInOnce(t *testing.T) {
	s, _, source := loggedIn(t, vaulttest.Lease{TTL: time.Hour})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { works(t, source) })
	}
	all.Wait()
	calls(t, s, map[string]int{login: 1})
}

func TestStaticTokenIsRenewed(t *testing.T) {
	s, c := vaulttest.New(t), &clock{now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	s.Now = c.Now
	s.PutTransit("transit/k", vaulttest.NewKey("ed25519"))
	s.Token("periodic", vaulttest.Lease{TTL: time.Hour})
	source := open(t, vault.Options{Address: s.URL, Now: c.Now, Login: vault.Login{Token: secret.New("periodic")}}, "vault-transit://transit/k")
	for range 10 {
		works(t, source)
		c.pass(40 * time.Minute)
	}
	calls(t, s, map[string]int{look: 1, renew: 9})
}

func TestTokenFileIsReadAgain(t *testing.T) {
	s := vaulttest.New(t)
	s.PutTransit("transit/k", vaulttest.NewKey("ed25519"))
	s.Token("one", vaulttest.Lease{})
	path := write(t, "one")
	source := open(t, vault.Options{Address: s.URL, Login: vault.Login{TokenFile: path}}, "vault-transit://transit/k")
	works(t, source)
	s.Revoke()
	s.Token("two", vaulttest.Lease{})
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	works(t, source)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var elsewhere sync.Map
	other := listen(t, func(w http.ResponseWriter, r *http.Request) { elsewhere.Store(r.Header.Get("X-Vault-Token"), true) })
	front := listen(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) })
	source := open(t, vault.Options{Address: front, Login: vault.Login{Token: secret.New("t")}}, "vault-transit://transit/k")
	if _, err := source.Versions(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
		t.Error(err)
	}
	elsewhere.Range(func(any, any) bool { t.Error("a redirect was followed"); return false })
}

func TestCancelledCallEndsLogin(t *testing.T) {
	s, _, source := loggedIn(t, vaulttest.Lease{TTL: time.Hour})
	s.Hold()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := source.Versions(ctx); err == nil {
		t.Error("no error")
	}
	s.Release()
	works(t, source)
}
