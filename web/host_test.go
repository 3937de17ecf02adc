package web_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"conductor-jwt/web"
)

func TestStatusPageRefusesOtherHosts(t *testing.T) {
	served := httptest.NewServer(handler(busy()))
	t.Cleanup(served.Close)
	for host, want := range map[string]int{
		"":                  http.StatusOK, // as it is dialled
		"127.0.0.1:9993":    http.StatusOK,
		"[::1]:9993":        http.StatusOK,
		"localhost:9993":    http.StatusOK,
		"LOCALHOST.":        http.StatusOK,
		"status.localhost":  http.StatusOK,
		"evil.example":      http.StatusMisdirectedRequest,
		"evil.example:9993": http.StatusMisdirectedRequest,
		"localhost.evil":    http.StatusMisdirectedRequest,
		"127.0.0.1.evil":    http.StatusMisdirectedRequest,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, served.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := served.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
		if answer.StatusCode != want {
			t.Errorf("host %q: %d, want %d", host, answer.StatusCode, want)
		}
	}
}

// A pod's address has names that the worker does not know.
func TestAnyHostIsAcceptedBeyondLoopback(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://worker.example/", http.NoBody)
	w := httptest.NewRecorder()
	handler(busy()).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Error(w.Code)
	}
}

// Probes may have any Host; pages with more data may not.
func TestMetricsRefuseOtherHosts(t *testing.T) {
	served := httptest.NewServer(process{readiness: web.Readiness{Ready: true}}.handler())
	t.Cleanup(served.Close)
	for _, c := range []struct {
		path, host string
		want       int
	}{
		{"/metrics", "evil.example", http.StatusMisdirectedRequest},
		{"/metrics", "localhost:9991", http.StatusOK},
		{"/readyz?verbose", "evil.example", http.StatusMisdirectedRequest},
		{"/readyz?verbose=1", "evil.example:9991", http.StatusMisdirectedRequest},
		{"/readyz?verbose", "127.0.0.1:9991", http.StatusOK},
		{"/readyz", "evil.example", http.StatusOK},
		{"/livez", "evil.example", http.StatusOK},
		{"/livez?verbose", "evil.example", http.StatusOK},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, served.URL+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		answer, err := served.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Error(err)
		}
		if answer.StatusCode != c.want {
			t.Errorf("%s of %s: %d, want %d", c.path, c.host, answer.StatusCode, c.want)
		}
	}
}

// The status has names of workflows and settings, and the listener of probes is often
// open to other machines.
func TestStatusBesideTheProbesIsForThisMachine(t *testing.T) {
	for _, row := range []struct {
		what, remote, local, host string
		want                      int
	}{
		{"loopback", "127.0.0.1:5000", "127.0.0.1:9991", "127.0.0.1:9991", 200},
		{"loopback, IPv6", "[::1]:5000", "[::1]:9991", "localhost:9991", 200},
		{"its own address", "10.0.0.5:5000", "10.0.0.5:9991", "10.0.0.5:9991", 200},
		{"its own address, mapped into IPv6", "[::ffff:10.0.0.5]:5000", "10.0.0.5:9991", "10.0.0.5:9991", 200},
		{"another machine", "10.0.0.6:5000", "10.0.0.5:9991", "10.0.0.5:9991", 403},
		{"another machine that says localhost", "10.0.0.6:5000", "10.0.0.5:9991", "localhost", 403},
		{"a name that a page of the web may have", "127.0.0.1:5000", "10.0.0.5:9991", "evil.example", 403},
		{"a name that a page of the web may have, at loopback", "127.0.0.1:5000", "127.0.0.1:9991", "evil.example", 421},
		{"no address", "@", "10.0.0.5:9991", "10.0.0.5:9991", 403},
	} {
		local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(row.local))
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, local), http.MethodGet, "http://worker/status", http.NoBody)
		r.RemoteAddr, r.Host = row.remote, row.host
		w := httptest.NewRecorder()
		process{}.handler().ServeHTTP(w, r)
		if w.Code != row.want || (row.want == http.StatusOK) != strings.Contains(w.Body.String(), "billing_run") {
			t.Errorf("%s: %d, want %d", row.what, w.Code, row.want)
		}
	}
}
