package connectproxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"testing"

	"conductor-jwt/test/connectproxy"
)

// get requests a URL through the proxy as a process with its environment does.
func get(t *testing.T, p *connectproxy.Proxy, target string) (string, error) {
	t.Helper()
	proxy, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(p.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(raw)
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

func TestEachHostHasItsHandler(t *testing.T) {
	p := connectproxy.New(t)
	for _, host := range []string{"a.example", "b.example"} {
		p.Lead(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, host+r.URL.Path) }))
	}
	for _, host := range []string{"a.example", "b.example", "a.example"} {
		if body, err := get(t, p, "https://"+host+"/x"); err != nil || body != host+"/x" {
			t.Errorf("%s answers %q, %v", host, body, err)
		}
	}
	if a, b := p.Connections("a.example"), p.Connections("b.example"); a != 2 || b != 1 {
		t.Errorf("%d and %d connections, want 2 and 1", a, b)
	}
}

func TestTheProxyLeadsNowhereElse(t *testing.T) {
	p := connectproxy.New(t)
	p.Lead("a.example", http.NotFoundHandler())
	for _, target := range []string{"https://c.example/", "https://a.example:8443/", "https://127.0.0.1/"} {
		if body, err := get(t, p, target); err == nil {
			t.Errorf("%s answers %q", target, body)
		}
	}
}
