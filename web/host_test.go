package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"conductor-jwt/web"
)

func TestStatusPageRefusesOtherHosts(t *testing.T) {
	served := httptest.NewServer(web.StatusHandler(busy))
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
	web.StatusHandler(busy).ServeHTTP(w, r)
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
