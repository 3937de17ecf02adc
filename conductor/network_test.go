package conductor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"conductor-jwt/conductor"
	"conductor-jwt/internal/secret"
	"conductor-jwt/test/conductortest"
)

// authority signs certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes a certificate and its key in PEM.
func (a *authority) issue(t *testing.T, name string, until time.Time) (cert, key []byte) {
	t.Helper()
	private := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func (a *authority) server(t *testing.T, name string, until time.Time) *tls.Config {
	t.Helper()
	cert, key := a.issue(t, name, until)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

// replace puts another file in place of one, as a mounted secret changes.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func serveTLS(t *testing.T, config *tls.Config) *conductortest.Server {
	t.Helper()
	return conductortest.ServeWith(t, conductortest.NewLedger(conductortest.Options{}), nil, conductortest.ServerOptions{TLS: config})
}

func TestTLSSpeaksHTTP2(t *testing.T) {
	ca := newAuthority(t, "ca")
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, ca.pem())
	s := serveTLS(t, ca.server(t, "127.0.0.1", time.Now().Add(time.Hour)))
	c := connect(t, conductor.Options{BaseURL: s.URL, CAFile: file})
	enqueue(s, 1)
	tasks, err := poll(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := complete(c, tasks[0]); err != nil {
		t.Fatal(err)
	}
	if proto := s.Requests()[0].Proto; proto != "HTTP/2.0" {
		t.Errorf("it spoke %s", proto)
	}
}

func TestTLSFailsClosed(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, ca.pem())
	soon := time.Now().Add(time.Hour)
	cases := map[string]struct {
		config *tls.Config
		says   string
	}{
		"an unknown authority":       {other.server(t, "127.0.0.1", soon), "unknown authority"},
		"another name":               {ca.server(t, "other.example", soon), "IP SANs"},
		"an expired certificate":     {ca.server(t, "127.0.0.1", time.Now().Add(-time.Minute)), "expired"},
		"a client certificate asked": {asking(ca.server(t, "127.0.0.1", soon), ca), "certificate"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := serveTLS(t, c.config)
			_, err := poll(connect(t, conductor.Options{BaseURL: s.URL, CAFile: file}), 1)
			if e := failure(t, err); e.Class != conductor.Network || !strings.Contains(e.Error(), c.says) {
				t.Errorf("the error is %v, want it to say %q", e, c.says)
			}
		})
	}
	t.Run("plain http behind https", func(t *testing.T) {
		s := conductortest.Serve(t, conductortest.NewLedger(conductortest.Options{}), nil)
		_, err := poll(connect(t, conductor.Options{BaseURL: strings.Replace(s.URL, "http:", "https:", 1)}), 1)
		if e := failure(t, err); e.Class != conductor.Network {
			t.Errorf("the error is %v", e)
		}
	})
	t.Run("but not where insecure is set", func(t *testing.T) {
		s := serveTLS(t, other.server(t, "127.0.0.1", soon))
		if _, err := poll(connect(t, conductor.Options{BaseURL: s.URL, Insecure: true}), 1); err != nil {
			t.Errorf("the error is %v", err)
		}
	})
}

// In every version of TLS and HTTP, an alert of the peer is reported as one about
// certificates.
func TestHandshakeEndedByThePeer(t *testing.T) {
	ca, other := newAuthority(t, "ca"), newAuthority(t, "other")
	dir := t.TempDir()
	caFile, certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	replace(t, caFile, ca.pem())
	soon := time.Now().Add(time.Hour)
	cert, key := other.issue(t, "client", soon)
	replace(t, certFile, cert)
	replace(t, keyFile, key)
	for version, name := range map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"} {
		for what, o := range map[string]conductor.Options{
			"no certificate":                    {},
			"a certificate that is not trusted": {CertFile: certFile, KeyFile: keyFile},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				config := asking(ca.server(t, "127.0.0.1", soon), ca)
				config.MinVersion, config.MaxVersion = version, version
				o.BaseURL, o.CAFile = serveTLS(t, config).URL, caFile
				c := connect(t, o)
				for range 5 {
					_, err := poll(c, 1)
					if e := failure(t, err); e.Trouble() != conductor.TroubleAlert || !strings.Contains(e.Hint(), "CONDUCTOR_TLS_CLIENT_CERT") {
						t.Errorf("%v is %s", e, e.Trouble())
					}
				}
			})
		}
	}
	t.Run("a version that is not spoken", func(t *testing.T) {
		config := ca.server(t, "127.0.0.1", soon)
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		_, err := poll(connect(t, conductor.Options{BaseURL: serveTLS(t, config).URL, CAFile: caFile}), 1)
		if e := failure(t, err); e.Trouble() != conductor.TroubleAlert && e.Trouble() != conductor.TroubleTLS {
			t.Errorf("%v is %s", e, e.Trouble())
		}
	})
	t.Run("plain http behind https", func(t *testing.T) {
		s := conductortest.Serve(t, conductortest.NewLedger(conductortest.Options{}), nil)
		_, err := poll(connect(t, conductor.Options{BaseURL: strings.Replace(s.URL, "http:", "https:", 1)}), 1)
		if e := failure(t, err); e.Trouble() != conductor.TroubleTLS {
			t.Errorf("%v is %s", e, e.Trouble())
		}
	})
}

func asking(config *tls.Config, ca *authority) *tls.Config {
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool()
	return config
}

func TestChangedTLSFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	caFile, certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	first, second := newAuthority(t, "first"), newAuthority(t, "second")
	var config atomic.Pointer[tls.Config]
	soon := time.Now().Add(time.Hour)
	install := func(a *authority) {
		replace(t, caFile, a.pem())
		cert, key := a.issue(t, "client", soon)
		replace(t, certFile, cert)
		replace(t, keyFile, key)
	}
	config.Store(asking(first.server(t, "127.0.0.1", soon), first))
	install(first)
	s := serveTLS(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config.Load(), nil }})
	c := connect(t, conductor.Options{BaseURL: s.URL, CAFile: caFile, CertFile: certFile, KeyFile: keyFile})
	if _, err := poll(c, 1); err != nil {
		t.Fatalf("first: %v", err)
	}
	config.Store(asking(second.server(t, "127.0.0.1", soon), second))
	install(second)
	if _, err := poll(c, 1); err != nil {
		t.Errorf("second: %v", err)
	}
	replace(t, keyFile, []byte("half a f"))
	if _, err := poll(c, 1); err != nil {
		t.Errorf("with a file half-written: %v", err)
	}
}

// proxy is an HTTP proxy with CONNECT.
func proxy(t *testing.T, status int, count *atomic.Int32) string {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		if status != http.StatusOK {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("go away, " + canary))
			return
		}
		var dialer net.Dialer
		up, err := dialer.DialContext(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		down, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if r.Method == http.MethodConnect {
			_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
		} else {
			_ = r.Write(up)
		}
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(up, down); _ = up.Close() }()
		_, _ = io.Copy(down, up)
		_ = down.Close()
		<-done
	})
}

func TestProxies(t *testing.T) {
	ca := newAuthority(t, "ca")
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, ca.pem())
	for name, config := range map[string]*tls.Config{"http": nil, "https": ca.server(t, "127.0.0.1", time.Now().Add(time.Hour))} {
		t.Run("explicit, to "+name, func(t *testing.T) {
			var count atomic.Int32
			s := serveTLS(t, config)
			p := proxy(t, http.StatusOK, &count)
			c := connect(t, conductor.Options{BaseURL: s.URL, CAFile: file, Proxy: secret.New(p)})
			if _, err := poll(c, 1); err != nil {
				t.Error(err)
			}
			if count.Load() != 1 {
				t.Errorf("the proxy saw %d requests", count.Load())
			}
			c.Close()
		})
		t.Run("that refuses, to "+name, func(t *testing.T) {
			var count atomic.Int32
			s := serveTLS(t, config)
			p := strings.Replace(proxy(t, http.StatusProxyAuthRequired, &count), "//", "//user:"+canary+"@", 1)
			_, err := poll(connect(t, conductor.Options{BaseURL: s.URL, CAFile: file, Proxy: secret.New(p)}), 1)
			if e := failure(t, err); e.Class != conductor.Network || e.Status != http.StatusProxyAuthRequired || e.Call != "poll" {
				t.Errorf("the error is %v", e)
			}
		})
	}
	t.Run("of the environment", func(t *testing.T) {
		var count atomic.Int32
		p := proxy(t, http.StatusForbidden, &count)
		c := connect(t, conductor.Options{BaseURL: "http://conductor.invalid", Getenv: env("http_proxy", p)})
		if _, err := poll(c, 1); failure(t, err).Class != conductor.Forbidden || count.Load() != 1 {
			t.Errorf("the error is %v, the proxy saw %d", err, count.Load())
		}
		c = connect(t, conductor.Options{BaseURL: "http://conductor.invalid", Getenv: func(name string) string {
			return map[string]string{"HTTP_PROXY": p, "NO_PROXY": ".invalid"}[name]
		}})
		if _, err := poll(c, 1); failure(t, err).Class != conductor.Network || count.Load() != 1 {
			t.Errorf("the error is %v, the proxy saw %d", err, count.Load())
		}
	})
}

func TestUnchangedTLSFilesKeepConnections(t *testing.T) {
	ca := newAuthority(t, "ca")
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, ca.pem())
	var opened atomic.Int32
	config := ca.server(t, "127.0.0.1", time.Now().Add(time.Hour))
	s := serveTLS(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		opened.Add(1)
		return config, nil
	}})
	log := &lines{}
	c := connect(t, conductor.Options{BaseURL: s.URL, CAFile: file, Logger: log.logger()})
	for range 5 {
		if _, err := poll(c, 1); err != nil {
			t.Fatal(err)
		}
	}
	if opened.Load() != 1 || log.String() != "" {
		t.Errorf("%d connections; the log:\n%s", opened.Load(), log)
	}
	replace(t, file, append(ca.pem(), '\n'))
	if _, err := poll(c, 1); err != nil {
		t.Fatal(err)
	}
	if opened.Load() != 2 || strings.Count(log.String(), "are in use") != 1 {
		t.Errorf("after a change %d connections; the log:\n%s", opened.Load(), log)
	}
}

// While a file is missing, as when a secret is mounted again, the previous content
// stays in use. The file is read when it exists again.
func TestMissingTLSFileKeepsThePreviousOne(t *testing.T) {
	first, second := newAuthority(t, "first"), newAuthority(t, "second")
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, first.pem())
	var config atomic.Pointer[tls.Config]
	soon := time.Now().Add(time.Hour)
	config.Store(first.server(t, "127.0.0.1", soon))
	s := serveTLS(t, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return config.Load(), nil }})
	log := &lines{}
	c := connect(t, conductor.Options{BaseURL: s.URL, CAFile: file, Logger: log.logger()})
	if _, err := poll(c, 1); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := poll(c, 1); err != nil {
			t.Errorf("while it is gone: %v", err)
		}
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, log)
	}
	replace(t, file, second.pem())
	config.Store(second.server(t, "127.0.0.1", soon))
	if _, err := poll(c, 1); err != nil {
		t.Errorf("after its return: %v", err)
	}
	if n := strings.Count(log.String(), "are in use"); n != 1 {
		t.Errorf("it was read %d times after its return, want once:\n%s", n, log)
	}
}

// A file has changed if its identity, its size or its modification time differs.
// Each of the three files is watched.
func TestEachTLSFileIsWatched(t *testing.T) {
	ca := newAuthority(t, "ca")
	dir := t.TempDir()
	soon := time.Now().Add(time.Hour)
	cert, key := ca.issue(t, "client", soon)
	files := map[string][]byte{"ca.pem": ca.pem(), "c.pem": cert, "k.pem": key}
	for name, content := range files {
		replace(t, filepath.Join(dir, name), content)
	}
	s := serveTLS(t, ca.server(t, "127.0.0.1", soon))
	log := &lines{}
	c := connect(t, conductor.Options{
		BaseURL: s.URL, Insecure: true, CertFile: filepath.Join(dir, "c.pem"), KeyFile: filepath.Join(dir, "k.pem"), Logger: log.logger(),
	})
	withCA := connect(t, conductor.Options{BaseURL: s.URL, CAFile: filepath.Join(dir, "ca.pem"), Logger: log.logger()})
	for name, client := range map[string]*conductor.Client{"c.pem": c, "k.pem": c, "ca.pem": withCA} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []struct {
			what string
			file string
			text []byte
			at   time.Time
		}{
			{"another file", path + ".new", files[name], info.ModTime()},
			{"another size", path, append(slices.Clone(files[name]), '\n'), info.ModTime()},
			{"another time", path, append(slices.Clone(files[name]), '\n'), info.ModTime().Add(time.Second)},
		} {
			before := strings.Count(log.String(), "are in use")
			if err := os.WriteFile(change.file, change.text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(change.file, change.at, change.at); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(change.file, path); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := poll(client, 1); err != nil {
					t.Fatal(err)
				}
			}
			if n := strings.Count(log.String(), "are in use") - before; n != 1 {
				t.Errorf("%s with %s was read %d times, want once", name, change.what, n)
			}
		}
	}
}

// lines collects a log.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
