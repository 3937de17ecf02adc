package gcpkms_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/keys"
	"conductor-jwt/keys/gcpkms"
	"conductor-jwt/test/keyconformance"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (c *cloud) options(env map[string]string) gcpkms.Options {
	if env == nil {
		env = map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(c.url, "http://")}
	}
	return gcpkms.Options{
		Endpoint: c.url + "/",
		Getenv:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

func open(t *testing.T, o gcpkms.Options, name string) keys.Source {
	t.Helper()
	source, err := gcpkms.New(o).Open("gcpkms://" + name)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestConformance(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	ec := func(c elliptic.Curve) func() crypto.Signer {
		return func() crypto.Signer { return must(ecdsa.GenerateKey(c, rand.Reader)) }
	}
	for algorithm, next := range map[string]func() crypto.Signer{
		"RSA_SIGN_PKCS1_2048_SHA256": func() crypto.Signer { return rsaKey },
		"RSA_SIGN_PKCS1_4096_SHA512": func() crypto.Signer { return rsaKey },
		"RSA_SIGN_PSS_2048_SHA256":   func() crypto.Signer { return rsaKey },
		"EC_SIGN_P256_SHA256":        ec(elliptic.P256()),
		"EC_SIGN_P384_SHA384":        ec(elliptic.P384()),
		"EC_SIGN_ED25519": func() crypto.Signer {
			_, p, err := ed25519.GenerateKey(rand.Reader)
			return must(p, err)
		},
	} {
		t.Run(algorithm, func(t *testing.T) {
			keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
				t.Helper()
				c := newCloud(t)
				c.put(algorithm, next())
				o := c.options(nil)
				s := keyconformance.Store{
					Source: open(t, o, keyName), Absent: open(t, o, keyName+"-none"),
					Fail: func(status int) { c.set(func() { c.status = status }) },
					Hold: func() func() { c.gate.Hold(); return c.gate.Release },
				}
				if !strings.HasPrefix(algorithm, "RSA") { // one key serves them all
					s.Rotate = func() { c.put(algorithm, next()) }
				}
				return s
			})
		})
	}
}

// A proxy could read the machine's token, or answer with that of its machine.
func TestMetadataServerIsCalledWithoutProxy(t *testing.T) {
	c := newCloud(t)
	c.put("EC_SIGN_P256_SHA256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	o := c.options(nil)
	var mu sync.Mutex
	var proxied []string
	o.HTTP = &http.Client{Transport: &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) {
		mu.Lock()
		defer mu.Unlock()
		proxied = append(proxied, r.URL.Path)
		return nil, nil
	}}}
	if _, err := open(t, o, keyName).Versions(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(proxied) == 0 || slices.ContainsFunc(proxied, func(path string) bool { return strings.HasPrefix(path, "/computeMetadata/") }) {
		t.Errorf("by a proxy: %q", proxied)
	}
}

func TestVersions(t *testing.T) {
	c := newCloud(t)
	for range 5 {
		c.put("EC_SIGN_P256_SHA256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	}
	c.put("RSA_DECRYPT_OAEP_2048_SHA256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	c.set(func() { c.keys[keyName][1].state, c.keys[keyName][2].state = "DISABLED", "DESTROYED" })
	source, pinned := open(t, c.options(nil), keyName), open(t, c.options(nil), keyName+"/cryptoKeyVersions/4")
	for range 2 {
		list, err := source.Versions(t.Context())
		if err != nil || len(list) != 3 || !slices.IsSortedFunc(list, func(a, b keys.Key) int { return a.Created().Compare(b.Created()) }) {
			t.Errorf("%d versions, %v", len(list), err)
		}
	}
	if n := c.asked["/v1/"+keyName+"/cryptoKeyVersions/1/publicKey"]; n != 1 {
		t.Errorf("the public key was read %d times", n)
	}
	if list, err := pinned.Versions(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d versions, %v", len(list), err)
	}
	c.set(func() {
		for i := range 5 {
			c.keys[keyName][i].state = "DISABLED"
		}
	})
	if _, err := source.Versions(t.Context()); !errors.Is(err, keys.ErrUnsupported) {
		t.Error(err)
	}
	c.set(func() { c.keys[keyName][5].state = "DISABLED" })
	if _, err := source.Versions(t.Context()); !errors.Is(err, keys.ErrMissing) {
		t.Error(err)
	}
}

func TestCorruptedAnswers(t *testing.T) {
	for _, member := range []string{"pemCrc32c", "name", "signatureCrc32c", "verifiedDigestCrc32c"} {
		t.Run(member, func(t *testing.T) {
			c := newCloud(t)
			c.put("EC_SIGN_P256_SHA256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
			c.set(func() { c.garble = member })
			list, err := open(t, c.options(nil), keyName).Versions(t.Context())
			if err == nil {
				_, err = list[0].Sign(t.Context(), keys.ES256, []byte("x"))
			}
			if !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrRefused) {
				t.Error(err)
			}
		})
	}
}

func TestURIs(t *testing.T) {
	s := gcpkms.New(gcpkms.Options{})
	for _, uri := range []string{
		"gcpkms://", "gcpkms:" + keyName, "gcpkms://projects/p/locations/l/keyRings/r", "gcpkms://" + keyName + "/x", "gcpkms://" + keyName + "?a=b",
		"gcpkms://" + keyName + "/cryptoKeyVersions/x", "gcpkms://projects/../locations/l/keyRings/r/cryptoKeys/k/../..", "gcpkms://evil/" + keyName, "gcpkms://" + keyName + "\n",
	} {
		if _, err := s.Open(uri); !errors.Is(err, keys.ErrUnsupported) {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func write(t *testing.T, v any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, must(json.Marshal(v)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCredentials(t *testing.T) {
	c := newCloud(t)
	c.put("EC_SIGN_P256_SHA256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	subject := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(subject, []byte("a.b.c\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inJSON := write(t, map[string]string{"id_token": "a.b.c"})
	external := func(source map[string]any, impersonate string) map[string]any {
		return map[string]any{
			"type": "external_account", "audience": "//iam/pool", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
			"token_url": c.url + "/sts", "service_account_impersonation_url": impersonate, "credential_source": source,
		}
	}
	user := map[string]any{"type": "authorized_user", "client_id": "id", "client_secret": "canary-secret", "refresh_token": "canary-refresh", "token_uri": c.url + "/token"}
	for name, v := range map[string]map[string]any{
		"a user":                 user,
		"another issuer's token": external(map[string]any{"file": subject}, ""),
		"one in json":            external(map[string]any{"file": inJSON, "format": map[string]string{"type": "json", "subject_token_field_name": "id_token"}}, ""),
		"as a service account":   external(map[string]any{"file": subject}, c.url+"/impersonate"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := open(t, c.options(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write(t, v)}), keyName).Versions(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	home := t.TempDir()
	usual := filepath.Join(home, ".config", "gcloud", "application_default_credentials.json")
	if err := errors.Join(os.MkdirAll(filepath.Dir(usual), 0o700), os.WriteFile(usual, must(json.Marshal(user)), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, c.options(map[string]string{"HOME": home}), keyName).Versions(t.Context()); err != nil {
		t.Errorf("gcloud's own: %v", err)
	}
	for name, path := range map[string]string{
		"no file": filepath.Join(home, "none"), "another type": write(t, map[string]string{"type": "canary"}), "no json": subject,
		"a source that is none": write(t, external(map[string]any{"url": "http://canary"}, "")), "a field that is none": write(t, external(map[string]any{"file": inJSON, "format": map[string]string{"type": "json", "subject_token_field_name": "x"}}, "")),
		"a wrong secret": write(t, map[string]any{"type": "authorized_user", "client_secret": "canary-wrong", "token_uri": c.url + "/token"}),
	} {
		o := c.options(map[string]string{})
		o.CredentialsFile = path
		_, err := open(t, o, keyName).Versions(t.Context())
		if !errors.Is(err, keys.ErrUnavailable) || !errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServiceAccountSignsToken(t *testing.T) {
	private := must(rsa.GenerateKey(rand.Reader, 2048))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(private))}))
	path := write(t, map[string]string{"type": "service_account", "client_email": "worker@p.iam", "private_key": text, "private_key_id": "kid-1", "token_uri": "https://x/token"})
	c := newCloud(t)
	c.put("EC_SIGN_P256_SHA256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	c.accepts = func(bearer string) bool {
		claims := jwt.MapClaims{}
		token, err := jwt.ParseWithClaims(bearer, claims, func(*jwt.Token) (any, error) { return private.Public(), nil }, jwt.WithValidMethods([]string{"RS256"}),
			jwt.WithAudience("https://cloudkms.googleapis.com/"), jwt.WithIssuer("worker@p.iam"), jwt.WithSubject("worker@p.iam"), jwt.WithExpirationRequired())
		return err == nil && token.Header["kid"] == "kid-1"
	}
	o := c.options(map[string]string{})
	o.CredentialsFile = path
	if _, err := open(t, o, keyName).Versions(t.Context()); err != nil {
		t.Error(err)
	}
}

// The errors of x/oauth2 quote the answer and, for two of the three, drop its
// status.
func TestTokenEndpointErrors(t *testing.T) {
	subject := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(subject, []byte("a.b.c"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{"/token", "/sts", "/impersonate"} {
		for _, row := range []struct {
			status  int
			refused bool
			calls   int
		}{{400, true, 1}, {401, true, 1}, {403, true, 1}, {429, false, 2}, {503, false, 2}, {302, false, 1}, {200, false, 1}} {
			c := newCloud(t)
			c.fails = map[string]int{endpoint: row.status}
			v := map[string]any{
				"type": "external_account", "audience": "//iam/pool", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
				"token_url": c.url + "/sts", "service_account_impersonation_url": c.url + "/impersonate", "credential_source": map[string]any{"file": subject},
			}
			if endpoint == "/token" {
				v = map[string]any{"type": "authorized_user", "client_id": "id", "client_secret": "canary-secret", "refresh_token": "canary-refresh", "token_uri": c.url + "/token"}
			}
			o := c.options(map[string]string{})
			o.CredentialsFile = write(t, v)
			_, err := open(t, o, keyName).Versions(t.Context())
			if !errors.Is(err, keys.ErrUnavailable) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), c.url) || c.asked["/elsewhere"] > 0 {
				t.Errorf("%s with %d: %v", endpoint, row.status, err)
			}
			if row.status != 200 && errors.Is(err, keys.ErrRefused) != row.refused || c.asked[endpoint] != row.calls {
				t.Errorf("%s with %d: refused %t after %d calls", endpoint, row.status, errors.Is(err, keys.ErrRefused), c.asked[endpoint])
			}
		}
	}
}

func TestTokenEndpointCallIsCancelled(t *testing.T) {
	for _, kind := range []string{"authorized_user", "external_account"} {
		ctx, cancel := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			cancel()
			<-r.Context().Done()
		}))
		subject := write(t, "a.b.c")
		o := newCloud(t).options(map[string]string{})
		o.CredentialsFile = write(t, map[string]any{
			"type": kind, "client_id": "id", "client_secret": "s", "refresh_token": "r", "token_uri": server.URL,
			"audience": "a", "subject_token_type": "t", "token_url": server.URL, "credential_source": map[string]any{"file": subject},
		})
		_, err := open(t, o, keyName).Versions(ctx)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("%s: %v", kind, err)
		}
		server.Close()
	}
}

func TestIncompleteServiceAccount(t *testing.T) {
	c := newCloud(t)
	for name, v := range map[string]map[string]string{
		"no address":      {"type": "service_account", "private_key": "canary"},
		"no key":          {"type": "service_account", "client_email": "canary@p.iam"},
		"a key of no use": {"type": "service_account", "client_email": "canary@p.iam", "private_key": "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"},
	} {
		o := c.options(map[string]string{})
		o.CredentialsFile = write(t, v)
		_, err := open(t, o, keyName).Versions(t.Context())
		if !errors.Is(err, keys.ErrRefused) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokenIsCachedUntilExpiry(t *testing.T) {
	c := newCloud(t)
	c.put("EC_SIGN_P256_SHA256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	now := time.Now()
	o := c.options(nil)
	o.Now = func() time.Time { return now }
	source := open(t, o, keyName)
	for i, after := range []time.Duration{0, time.Minute, 57 * time.Minute, time.Minute, time.Minute} {
		now = now.Add(after)
		if _, err := source.Versions(t.Context()); err != nil {
			t.Error(err)
		}
		if want := 1 + i/3; c.tokens != want {
			t.Errorf("after step %d: %d tokens, want %d", i, c.tokens, want)
		}
	}
	c.set(func() { c.tokens = 100 }) // the cached one is revoked
	if _, err := source.Versions(t.Context()); err != nil || c.tokens != 101 {
		t.Errorf("%d tokens, %v", c.tokens, err)
	}
	c.accepts = func(string) bool { return false }
	if _, err := source.Versions(t.Context()); !errors.Is(err, keys.ErrRefused) {
		t.Error(err)
	}
}

var _ http.Handler = (*cloud)(nil)
