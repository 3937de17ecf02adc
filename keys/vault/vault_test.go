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
	"time"

	"conductor-jwt/internal/keyconformance"
	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/internal/vaulttest"
	"conductor-jwt/keys"
	"conductor-jwt/keys/vault"
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

func TestTransitVersions(t *testing.T) {
	s := vaulttest.New(t)
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return now }
	for range 11 { // 10 comes after 9, and not after 1
		s.PutTransit("transit/k", vaulttest.NewKey("ed25519"))
		now = now.Add(time.Hour)
	}
	s.Least("transit/k", 3, 5)
	source := open(t, asRoot(s), "vault-transit://transit/k")
	list, err := source.Versions(t.Context())
	if err != nil || len(list) != 9 {
		t.Fatalf("%d versions, %v", len(list), err)
	}
	for i, k := range list {
		if want := time.Date(2026, 11, 1, i+2, 0, 0, 0, time.UTC); !k.Created().Equal(want) {
			t.Errorf("version %d was created at %s, not %s", i+3, k.Created(), want)
		}
	}
	if _, err := list[0].Sign(t.Context(), keys.EdDSA, []byte("x")); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("a version below min_encryption_version: %v", err)
	}
	if _, err := list[8].Sign(t.Context(), keys.EdDSA, []byte("x")); err != nil {
		t.Error(err)
	}
}

func TestTransitKeysOfOtherTypes(t *testing.T) {
	s := vaulttest.New(t)
	s.PutTransit("transit/aes", nil)
	if _, err := open(t, asRoot(s), "vault-transit://transit/aes").Versions(t.Context()); !errors.Is(err, keys.ErrUnsupported) {
		t.Error(err)
	}
}

func TestKVVersions(t *testing.T) {
	s := vaulttest.New(t)
	one, two := pemOf(t), pemOf(t)
	s.PutKV("secret/k", map[string]any{"other": "not there yet"})
	s.PutKV("secret/k", map[string]any{"pem": "no key"})
	s.PutKV("secret/k", map[string]any{"pem": one})
	s.PutKV("secret/k", map[string]any{"pem": one, "note": "written again"})
	source := open(t, asRoot(s), "vault-kv://secret/k#pem")
	count := func(want int, wantErr error) {
		t.Helper()
		if list, err := source.Versions(t.Context()); len(list) != want || !errors.Is(err, wantErr) {
			t.Errorf("%d versions, %v; want %d, %v", len(list), err, want, wantErr)
		}
	}
	count(1, nil)
	s.PutKV("secret/k", map[string]any{"pem": two})
	count(2, nil)
	if n := s.Asked("GET secret/data/k"); n != 7 { // each key once; what was none again
		t.Errorf("read %d times", n)
	}
	s.DeleteKV("secret/k", 5)
	count(1, nil)
	s.PutKV("secret/k", map[string]any{"pem": "broken"})
	count(0, keys.ErrUnreadable)
	s.PutKV("secret/k", map[string]any{"pem": 7})
	count(0, keys.ErrMissing)
	for v := 1; v <= 7; v++ {
		s.DeleteKV("secret/k", v)
	}
	count(0, keys.ErrMissing)
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestErrorsSayNothingOfEitherSide(t *testing.T) {
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

func TestTheServersOwnAuthority(t *testing.T) {
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
