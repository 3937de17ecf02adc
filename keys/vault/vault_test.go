package vault_test

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/vault"
	"conductor-jwt/test/keyconformance"
	"conductor-jwt/test/vaulttest"
)

func open(t *testing.T, o vault.Options, uri string) keys.Source {
	t.Helper()
	if o.Parser == nil {
		o.Parser = keys.NewParser(keys.ParserOptions{})
	}
	if o.HTTP == nil && o.CAFile == "" {
		o.HTTP = keyrest.NewHTTP(nil)
		t.Cleanup(o.HTTP.CloseIdleConnections) // a real server outlives the test
	}
	source, err := vault.New(o).Open(uri)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func asRoot(s *vaulttest.Server) vault.Options {
	return vault.Options{Address: s.URL, Login: vault.Login{Token: secret.New(vaulttest.Root)}, Now: s.Now}
}

func bench(s *vaulttest.Server, source, absent keys.Source, rotate func()) keyconformance.Store {
	return keyconformance.Store{
		Source: source, Absent: absent, Rotate: rotate,
		Fail: func(status int) { s.Fail(func(*http.Request) int { return status }) },
		Hold: func() func() { s.Hold(); return s.Release },
	}
}

func TestTransitConforms(t *testing.T) {
	for _, kind := range []string{"rsa-2048", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519"} {
		t.Run(kind, func(t *testing.T) {
			private := vaulttest.NewKey(kind)
			keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
				t.Helper()
				s := vaulttest.New(t)
				s.PutTransit("transit/k", private)
				o := asRoot(s)
				rotate := func() { s.PutTransit("transit/k", vaulttest.NewKey(kind)) }
				if kind == "rsa-2048" {
					rotate = nil // keys of it are dear, and rotation is the same
				}
				return bench(s, open(t, o, "vault-transit://transit/k"), open(t, o, "vault-transit://transit/none"), rotate)
			})
		})
		if os.Getenv("VAULT_ADDR") != "" {
			t.Run(kind+" of the real server", func(t *testing.T) {
				keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
					t.Helper()
					return realTransit(t, kind)
				})
			})
		}
	}
}

func pemOf(t *testing.T) string {
	t.Helper()
	text, err := keys.PrivatePEM(generated(t))
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

func generated(t *testing.T) keys.Key {
	t.Helper()
	key, err := keys.Generate(keys.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKVConforms(t *testing.T) {
	keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
		t.Helper()
		s := vaulttest.New(t)
		put := func() { s.PutKV("secret/team/key", map[string]any{"pem": pemOf(t), "note": 1}) }
		put()
		o := asRoot(s)
		return bench(s, open(t, o, "vault-kv://secret/team/key#pem"), open(t, o, "vault-kv://secret/none#pem"), put)
	})
	if os.Getenv("VAULT_ADDR") != "" {
		t.Run("the real server", func(t *testing.T) { keyconformance.RunStore(t, realKV) })
	}
}

func TestURIs(t *testing.T) {
	s := vault.New(vault.Options{Address: "http://127.0.0.1:1"})
	for _, uri := range []string{
		"vault-transit://transit/billing", "vault-transit://team/a/transit/billing", "vault-kv://secret/a/b#c", "vault-kv://team/secret//a#c",
	} {
		if _, err := s.Open(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{
		"vault-transit://transit", "vault-transit://transit/", "vault-transit:///k", "vault-transit://transit/../sys/k", "vault-transit://t/k?x=1",
		"vault-transit://t/k#f", "vault-transit://t/a%2fb", "vault-transit:t/k", "vault-kv://secret/a", "vault-kv://secret/a#", "vault-kv://secret#x",
		"vault-kv://secret/./a#x", "vault://t/k", "vault-kv://secret//#x",
	} {
		if _, err := s.Open(uri); !errors.Is(err, keys.ErrUnsupported) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	overwrite(t, path, text)
	return path
}

func TestErrorsQuoteNothing(t *testing.T) {
	s := vaulttest.New(t)
	s.PutTransit("transit/k", vaulttest.NewKey("ed25519"))
	s.AppRole("approle", "role-canary", "right", vaulttest.Lease{})
	for name, l := range map[string]vault.Login{
		"none": {}, "a token": {Token: secret.New("token-canary")}, "no file": {TokenFile: "/none-canary"}, "an empty file": {TokenFile: write(t, " \n")},
		"two lines":   {TokenFile: write(t, "token-canary\nx")},
		"a secret id": {AppRole: vault.AppRole{RoleID: "role-canary", SecretIDFile: write(t, "secret-canary")}},
	} {
		source := open(t, vault.Options{Address: s.URL, Login: l}, "vault-transit://transit/k")
		_, err := source.Versions(t.Context())
		if !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	away := open(t, vault.Options{Address: "http://127.0.0.1:1", Login: vault.Login{Token: secret.New("t")}}, "vault-transit://transit/k")
	if _, err := away.Versions(t.Context()); !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Error(err)
	}
}

func listen(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func TestCAFile(t *testing.T) {
	server := httptest.NewTLSServer(vaulttest.New(t))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	login := vault.Login{Token: secret.New(vaulttest.Root)}
	trusting := open(t, vault.Options{Address: server.URL, CAFile: write(t, string(ca)), Login: login}, "vault-transit://transit/k")
	if _, err := trusting.Versions(t.Context()); !errors.Is(err, keys.ErrMissing) {
		t.Error(err)
	}
	wary := open(t, vault.Options{Address: server.URL, Login: login}, "vault-transit://transit/k")
	if _, err := wary.Versions(t.Context()); !errors.Is(err, keys.ErrUnavailable) || !strings.Contains(err.Error(), "not trusted") {
		t.Error(err)
	}
	for _, path := range []string{"/none", write(t, "no certificate")} {
		if _, err := vault.New(vault.Options{Address: server.URL, CAFile: path}).Open("vault-transit://transit/k"); !errors.Is(err, keys.ErrMissing) {
			t.Error(err)
		}
	}
	if _, err := vault.New(vault.Options{}).Open("vault-transit://transit/k"); !errors.Is(err, keys.ErrMissing) {
		t.Error(err)
	}
}
