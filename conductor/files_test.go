package conductor_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conductor-jwt/conductor"
)

// Each row is a file with wrong content, and the message about it.
func TestFileErrorsOfTLS(t *testing.T) {
	ca := newAuthority(t, "ca")
	cert, key := ca.issue(t, "client", time.Now().Add(time.Hour))
	_, other := ca.issue(t, "other", time.Now().Add(time.Hour))
	block := func(kind string, body string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(body)})
	}
	inner := func(text []byte) []byte {
		b, _ := pem.Decode(text)
		return b.Bytes
	}
	legacy := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")})
	public, err := x509.MarshalPKIXPublicKey(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name          string
		ca, cert, key []byte
		want          string
	}{
		{"authorities in DER", ca.cert.Raw, nil, nil, "tls_ca_cert: the file is binary (DER or PKCS #12), not PEM; convert it with openssl x509 -inform der, or openssl pkcs12"},
		{"authorities in UTF-16", []byte("\xff\xfe-\x00"), nil, nil, "tls_ca_cert: the file is UTF-16 text; save it as UTF-8"},
		{"no authorities", []byte(" \n"), nil, nil, "tls_ca_cert: the file is empty"},
		{"a byte order mark alone", []byte("\ufeff"), nil, nil, "tls_ca_cert: the file is empty"},
		{"text", []byte("canary"), nil, nil, "tls_ca_cert: the file holds no PEM certificate; it has to begin with -----BEGIN CERTIFICATE-----"},
		{"text that begins as DER does", []byte("0 canary"), nil, nil, "tls_ca_cert: the file holds no PEM certificate; it has to begin with -----BEGIN CERTIFICATE-----"},
		{"bytes that are no DER", []byte("\x01\x80canary"), nil, nil, "tls_ca_cert: the file holds no PEM certificate; it has to begin with -----BEGIN CERTIFICATE-----"},
		{"a damaged authority", block("CERTIFICATE", "canary"), nil, nil, "tls_ca_cert: the PEM certificate is damaged; copy the file again"},
		{"a request", block("CERTIFICATE REQUEST", "canary"), nil, nil, "tls_ca_cert: the file holds a certificate request; give the certificate that was issued for it"},
		{"a bundle", block("PKCS7", "canary"), nil, nil, "tls_ca_cert: the file is a PKCS #7 bundle; convert it with openssl pkcs7 -print_certs"},
		{"OpenSSL's own", block("TRUSTED CERTIFICATE", "canary"), nil, nil, "tls_ca_cert: the certificate has OpenSSL's own form; convert it with openssl x509"},
		{"a key for authorities", key, nil, nil, "tls_ca_cert: the file holds a key and no certificate; give the certificate"},
		{"too much", bytes.Repeat([]byte("\n"), 1<<20+1), nil, nil, "tls_ca_cert: the file is over 1 MiB; name the right one"},
		{"a certificate in DER", nil, inner(cert), key, "tls_client_cert: the file is binary (DER or PKCS #12), not PEM; convert it with openssl x509 -inform der, or openssl pkcs12"},
		{"a key for a certificate", nil, key, key, "tls_client_cert: the file holds a key and no certificate; give the certificate"},
		{"a certificate for a key", nil, cert, cert, "tls_client_key: the file holds a certificate and no private key; give the key"},
		{"a key in DER", nil, cert, inner(key), "tls_client_key: the file is binary (DER or PKCS #12), not PEM; convert it with openssl pkey -inform der, or openssl pkcs12 -nodes"},
		{"an encrypted key", nil, cert, block("ENCRYPTED PRIVATE KEY", "canary"), "tls_client_key: the key is encrypted; decrypt it with openssl pkey"},
		{"an encrypted key of OpenSSL 0.9", nil, cert, legacy, "tls_client_key: the key is encrypted; decrypt it with openssl pkey"},
		{"a key of OpenSSH", nil, cert, block("OPENSSH PRIVATE KEY", "canary"), "tls_client_key: the key has OpenSSH's own form; convert it with ssh-keygen -p -m pkcs8"},
		{"a public key", nil, cert, block("PUBLIC KEY", string(public)), "tls_client_key: the file holds no private key; give the private half"},
		{"a damaged key", nil, cert, block("PRIVATE KEY", "canary"), "tls_client_key: the PEM private key is damaged; copy the file again"},
		{"another's key", nil, cert, other, "tls_client_key: the key does not belong to the certificate of tls_client_cert; give the two that were made together"},
		{"no key", nil, cert, []byte("canary"), "tls_client_key: the file holds no PEM private key; it has to begin with -----BEGIN PRIVATE KEY-----"},
	} {
		t.Run(row.name, func(t *testing.T) {
			folder := t.TempDir()
			file := func(name string, text []byte) string {
				if text == nil {
					return ""
				}
				replace(t, filepath.Join(folder, name), text)
				return filepath.Join(folder, name)
			}
			_, err := newClient(conductor.Options{
				BaseURL: "https://localhost", CAFile: file("ca", row.ca), CertFile: file("cert", row.cert), KeyFile: file("key", row.key),
			})
			if !errors.Is(err, conductor.ErrFile) || err.Error() != row.want {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	for file, want := range map[string]string{
		filepath.Join(folder, "none"): "there is no such file; correct the path",
		folder:                        "the file cannot be read; name a regular file",
	} {
		for setting, o := range map[string]conductor.Options{
			"tls_ca_cert": {CAFile: file}, "tls_client_cert": {CertFile: file, KeyFile: file}, "headers_file": {HeadersFile: file},
		} {
			o.BaseURL = "https://localhost"
			if _, err := newClient(o); err == nil || err.Error() != setting+": "+want {
				t.Errorf("%v, want %s: %s", err, setting, want)
			}
		}
	}
}

func TestByteOrderMarksAreIgnored(t *testing.T) {
	ca := newAuthority(t, "ca")
	cert, key := ca.issue(t, "client", time.Now().Add(time.Hour))
	folder := t.TempDir()
	for name, text := range map[string][]byte{"ca": append([]byte("# ours\n\ufeff"), ca.pem()...), "cert": cert, "key": key} {
		replace(t, filepath.Join(folder, name), append([]byte("\ufeff"), text...))
	}
	s := serveTLS(t, asking(ca.server(t, "127.0.0.1", time.Now().Add(time.Hour)), ca))
	c := connect(t, conductor.Options{
		BaseURL: s.URL, CAFile: filepath.Join(folder, "ca"), CertFile: filepath.Join(folder, "cert"), KeyFile: filepath.Join(folder, "key"),
	})
	if _, err := poll(c, 1); err != nil {
		t.Error(err)
	}
}

// Every mistake in a file of headers, with its line and without its text.
func TestFileErrorsOfHeaders(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"", "the file is empty"},
		{"# canary: x\n\n", "the file holds no header; write Name: value"},
		{"Bearer canary", "line 1 has no colon; write Name: value"},
		{"# gateway\r\n\r\nAuthorization: Bearer x\r\ncanary", "line 4 has no colon; write Name: value"},
		{"Authorization: Bearer\n canary: x", "line 2 begins with a space; write each header on one line"},
		{"Authorization: Bearer\n\tcanary: x", "line 2 begins with a space; write each header on one line"},
		{": canary", "line 1 has no valid name before its colon; write Name: value"},
		{"Canary : x", "line 1 has no valid name before its colon; write Name: value"},
		{"Canäry: x", "line 1 has no valid name before its colon; write Name: value"},
		{"Authorization:  \t", "line 1 has no value after its colon; write one, or remove the line"},
		{"X-A: canary\x00", "line 1 holds a character that no header may hold; write ASCII"},
		{"X-A: canary\rX-B: canary", "line 1 holds a character that no header may hold; write ASCII"},
		{"X-A: canäry", "line 1 holds a character that no header may hold; write ASCII"},
		{"X-A: canary\nx-a: canary", "line 2 repeats the name of an earlier line; keep one"},
		{"host: canary", "line 1 sets Host, which the worker or its connection sets itself; remove it"},
		{"content-length: 1", "line 1 sets Content-Length, which the worker or its connection sets itself; remove it"},
		{"X-AUTHORIZATION: canary", "line 1 sets X-Authorization, which the worker or its connection sets itself; remove it"},
		{"proxy-authorization: canary", "line 1 sets Proxy-Authorization, which the worker or its connection sets itself; remove it"},
		{"TE: trailers", "line 1 sets Te, which the worker or its connection sets itself; remove it"},
		{"Transfer-Encoding: chunked", "line 1 sets Transfer-Encoding, which the worker or its connection sets itself; remove it"},
		{"X-A: " + strings.Repeat("canary", 3000), "the file is over 16 KiB; gateways refuse such headers"},
		{strings.Repeat("#", 16<<10) + "\nX-A: a", "the file is over 16 KiB; gateways refuse such headers"},
		{func() string {
			var b strings.Builder
			for i := range 33 {
				b.WriteString("X-" + strings.Repeat("a", i+1) + ": canary\n")
			}
			return b.String()
		}(), "the file holds more than 32 headers"},
		{"\xff\xfeX\x00", "the file is UTF-16 text; save it as UTF-8"},
	} {
		file := filepath.Join(t.TempDir(), "headers")
		replace(t, file, []byte(row.text))
		_, err := newClient(conductor.Options{BaseURL: "http://localhost", HeadersFile: file})
		if err == nil || err.Error() != "headers_file: "+row.want || !errors.Is(err, conductor.ErrFile) {
			t.Errorf("%.40q: %v, want %s", row.text, err, row.want)
		}
	}
}

// The headers are sent with every request, and a changed file is used for the next
// one. No value is logged.
func TestHeadersAreSentAndReadAgain(t *testing.T) {
	var got atomic.Pointer[http.Header]
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		got.Store(&r.Header)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("[]"))
	})
	file := filepath.Join(t.TempDir(), "headers")
	replace(t, file, []byte("\ufeff# for the gateway\nauthorization: Bearer canary-1\n\nX-Team:  a, b \t\n"))
	var log bytes.Buffer
	c := connect(t, conductor.Options{BaseURL: url, HeadersFile: file, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	sent := func(authorization, team string) {
		t.Helper()
		for name, call := range map[string]func() error{
			"poll":    func() error { _, err := poll(c, 1); return err },
			"version": func() error { _, err := c.Version(t.Context()); return err },
		} {
			if err := call(); err != nil {
				t.Fatal(err)
			}
			h := *got.Load()
			if h.Get("Authorization") != authorization || h.Get("X-Team") != team || len(h["Authorization"]) != 1 || h.Get("X-Authorization") != "" {
				t.Errorf("%s: %q", name, h)
			}
		}
	}
	sent("Bearer canary-1", "a, b")
	replace(t, file, []byte("Authorization: Basic canary-22\n"))
	sent("Basic canary-22", "")
	replace(t, file, []byte("Authorization\n"))
	sent("Basic canary-22", "")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	sent("Basic canary-22", "")
	replace(t, file, []byte("Authorization: Bearer canary-333\n"))
	sent("Bearer canary-333", "")
	text := log.String()
	if strings.Contains(text, "canary") || strings.Count(text, "changed files are in use") != 2 ||
		!strings.Contains(text, "line 1 has no colon") || !strings.Contains(text, "there is no such file") {
		t.Errorf("the log is\n%s", text)
	}
}

// A redirect that is followed does not take the headers to another origin.
func TestHeadersAreNotSentToAnotherServer(t *testing.T) {
	ca := newAuthority(t, "ca")
	folder := t.TempDir()
	replace(t, filepath.Join(folder, "ca"), ca.pem())
	replace(t, filepath.Join(folder, "headers"), []byte("Authorization: Bearer canary\n"))
	safe := serveTLS(t, ca.server(t, "127.0.0.1", time.Now().Add(time.Hour)))
	var path atomic.Int32
	var first atomic.Pointer[string]
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Get("Authorization")
		first.Store(&authorization)
		path.Add(1)
		http.Redirect(w, r, strings.Replace(safe.URL, "/api", "", 1)+r.URL.String(), http.StatusTemporaryRedirect)
	})
	c := connect(t, conductor.Options{BaseURL: url, CAFile: filepath.Join(folder, "ca"), HeadersFile: filepath.Join(folder, "headers")})
	if _, err := poll(c, 1); err != nil {
		t.Fatal(err)
	}
	if path.Load() != 1 || *first.Load() != "Bearer canary" {
		t.Errorf("%d requests, the last with %q", path.Load(), *first.Load())
	}
	for _, r := range safe.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("another origin got %q", r.Header)
		}
	}
}
