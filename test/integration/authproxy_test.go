package integration_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// authProxy is a proxy before the real server that requires credentials, as
// Conductor's commercial server does, and that can break connections.
type authProxy struct {
	url   string
	proxy *httputil.ReverseProxy

	mu        sync.Mutex
	token     string // the valid one; "" requires none
	keySecret string
	forbidden bool // answer 403
	cut       bool // break the connection of every update
	seen      proxyCounts
}

// proxyCounts counts the responses of the proxy itself.
type proxyCounts struct{ granted, unauthorized, forbidden, cut int }

const proxyKeyID = "worker-1"

// newAuthProxy starts a proxy before a server. It requires credentials from the
// first call of rotate on.
func newAuthProxy(t *testing.T, server string) *authProxy {
	t.Helper()
	f := &authProxy{keySecret: rand.Text(), proxy: proxyTo(t, server)}
	listening := httptest.NewServer(f)
	t.Cleanup(listening.Close)
	f.url = listening.URL
	return f
}

// proxyTo returns a proxy that forwards everything to a server.
func proxyTo(t *testing.T, server string) *httputil.ReverseProxy {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // tests stop the server
	}
}

// env configures the proxy as a worker's server.
func (f *authProxy) env() []string {
	return []string{
		"CONDUCTOR_SERVER_URL=" + f.url + "/api",
		"CONDUCTOR_AUTH_KEY=" + proxyKeyID, "CONDUCTOR_AUTH_SECRET=" + f.keySecret,
	}
}

// rotate makes the present token expire.
func (f *authProxy) rotate() { f.set(func() { f.token = "token-" + rand.Text() }) }

func (f *authProxy) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *authProxy) count() proxyCounts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// ServeHTTP implements [http.Handler].
func (f *authProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/token" {
		f.grant(w, r)
		return
	}
	switch f.verdict(r) {
	case http.StatusOK:
		f.proxy.ServeHTTP(w, r)
	case http.StatusUnauthorized:
		refuse(w, http.StatusUnauthorized, "EXPIRED_TOKEN", "Token has expired")
	case http.StatusForbidden:
		refuse(w, http.StatusForbidden, "FORBIDDEN", "not for this application")
	default:
		panic(http.ErrAbortHandler) // breaks the connection
	}
}

func (f *authProxy) verdict(r *http.Request) (status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.token != "" && r.Header.Get("X-Authorization") != f.token:
		f.seen.unauthorized++
		return http.StatusUnauthorized
	case f.forbidden:
		f.seen.forbidden++
		return http.StatusForbidden
	case f.cut && r.Method == http.MethodPost && r.URL.Path == "/api/tasks":
		f.seen.cut++
		return 0
	default:
		return http.StatusOK
	}
}

func (f *authProxy) grant(w http.ResponseWriter, r *http.Request) {
	var credentials struct{ KeyID, KeySecret string }
	err := json.NewDecoder(r.Body).Decode(&credentials)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || credentials.KeyID != proxyKeyID || credentials.KeySecret != f.keySecret {
		refuse(w, http.StatusUnauthorized, "INVALID_CREDENTIALS", "no such access key")
		return
	}
	f.seen.granted++
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"token":%q}`, f.token) // fails only if the worker has disconnected
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"error":%q,"message":%q}`, status, code, message) // as above
}
