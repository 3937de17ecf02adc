package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys/vault"
	"conductor-jwt/test/vaulttest"
)

// server is a Vault with its administrator: the fake or a real one.
type server interface {
	options() vault.Options // with every permission

	create(kind string) (key string) // of the transit engine: its name
	rotate(key string)
	setMinVersions(key string, decryption, encryption int)

	put(path string, fields map[string]any) // below secret/
	remove(path string, version int)
	restore(path string, version int)
	destroy(path string, version int)
	annotate(path, note string)
	erase(path string)

	appRole(l vaulttest.Lease, uses int, denied ...string) vault.AppRole // uses of the secret id; 0: any number
	kubernetes(jwt string, l vaulttest.Lease) vault.Kubernetes           // for one service account
	token(l vaulttest.Lease, denied ...string) string                    // for the engines, without the denied paths
	revoke(token string)
	seal()
	unseal()

	pass(d time.Duration)
}

// servers returns the fake and, if there is one, a real server, for the same
// tests.
func servers() map[string]func(t *testing.T) server {
	all := map[string]func(t *testing.T) server{"the fake": newFake}
	if os.Getenv("VAULT_ADDR") != "" {
		all["the real server"] = func(t *testing.T) server { t.Helper(); return realServer{t} }
	}
	return all
}

// ask sends a request as the administrator.
func ask(t *testing.T, s server, verb, path string, body any) (status int, answer string) {
	t.Helper()
	o := s.options()
	return send(t, o.Address, o.Login.Token.Reveal(), verb, path, body)
}

func send(t *testing.T, address, token, verb, path string, body any) (status int, answer string) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	// Also for the cleanup of a test, when its context has ended.
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), verb, strings.TrimRight(address, "/")+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true // no connection outlives the test
	if token != "" {
		r.Header.Set("X-Vault-Token", token)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, string(raw)
}

// counter counts the requests of a source, such as "POST auth/approle/login".
type counter struct {
	next *http.Transport
	mu   sync.Mutex
	n    map[string]int
}

func count(t *testing.T, o *vault.Options) *counter {
	t.Helper()
	c := &counter{next: &http.Transport{}, n: map[string]int{}}
	o.HTTP = keyrest.NewHTTP(nil)
	t.Cleanup(c.CloseIdleConnections)
	o.HTTP.Transport = c
	return c
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.n[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/v1/")]++
	c.mu.Unlock()
	return c.next.RoundTrip(r)
}

// CloseIdleConnections is called by that of [http.Client].
func (c *counter) CloseIdleConnections() { c.next.CloseIdleConnections() }

func (c *counter) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[what]
}
