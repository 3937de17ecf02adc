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

// front stands between workers and the real server and does what that one
// cannot: it asks for credentials, as Conductor's commercial server does, and
// it breaks connections.
type front struct {
	url   string
	proxy *httputil.ReverseProxy

	mu        sync.Mutex
	token     string // the good one; "" asks for none
	keySecret string
	forbidden bool
	cut       bool // every update is cut off
	seen      frontCount
}

// frontCount is what a front has answered, by itself.
type frontCount struct{ granted, unauthorized, forbidden, cut int }

const frontKeyID = "worker-1"

// newFront stands before a server. Where it is to ask for credentials, rotate
// begins that.
func newFront(t *testing.T, server string) *front {
	t.Helper()
	f := &front{keySecret: rand.Text(), proxy: proxyTo(t, server)}
	listening := httptest.NewServer(f)
	t.Cleanup(listening.Close)
	f.url = listening.URL
	return f
}

// proxyTo hands everything on to a server.
func proxyTo(t *testing.T, server string) *httputil.ReverseProxy {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // a server that is away is what a test wants
	}
}

// env names the front as a worker's server.
func (f *front) env() []string {
	return []string{
		"CONDUCTOR_SERVER_URL=" + f.url + "/api",
		"CONDUCTOR_AUTH_KEY=" + frontKeyID, "CONDUCTOR_AUTH_SECRET=" + f.keySecret,
	}
}

// rotate lets the token of before expire.
func (f *front) rotate() { f.set(func() { f.token = "token-" + rand.Text() }) }

func (f *front) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *front) count() frontCount {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// ServeHTTP implements [http.Handler].
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		panic(http.ErrAbortHandler) // which breaks the connection
	}
}

func (f *front) verdict(r *http.Request) (status int) {
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

func (f *front) grant(w http.ResponseWriter, r *http.Request) {
	var asked struct{ KeyID, KeySecret string }
	err := json.NewDecoder(r.Body).Decode(&asked)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || asked.KeyID != frontKeyID || asked.KeySecret != f.keySecret {
		refuse(w, http.StatusUnauthorized, "INVALID_CREDENTIALS", "no such access key")
		return
	}
	f.seen.granted++
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"token":%q}`, f.token) // the worker that has gone asks again
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"error":%q,"message":%q}`, status, code, message) // as above
}
