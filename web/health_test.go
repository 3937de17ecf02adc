package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/web"
)

// process is the process that the pages describe.
type process struct {
	live      error
	readiness web.Readiness
}

func (p process) handler() http.Handler {
	registry := prometheus.NewRegistry()
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "answer", Help: "The answer."})
	gauge.Set(42)
	registry.MustRegister(gauge)
	return web.HealthHandler(web.HealthOptions{
		Live: func() error { return p.live }, Ready: func() web.Readiness { return p.readiness },
		Status:  func() web.Status { return web.NewStatus(busy()) },
		Metrics: registry, Logger: slog.New(slog.DiscardHandler),
	})
}

func TestHealthPages(t *testing.T) {
	healthy := process{readiness: web.Readiness{Ready: true, Details: map[string]int{"slots": 3}}}
	failing := process{live: errors.New("a loop is stuck"), readiness: web.Readiness{Reason: "draining"}}
	for _, row := range []struct {
		p      process
		method string
		path   string
		status int
		body   string
	}{
		{healthy, "GET", "/livez", 200, "live\n"},
		{failing, "GET", "/livez", 503, "a loop is stuck\n"},
		{healthy, "HEAD", "/livez", 200, ""},
		{healthy, "GET", "/readyz", 200, "ready\n"},
		{failing, "GET", "/readyz", 503, "not ready: draining\n"},
		{healthy, "GET", "/readyz?verbose", 200, `"slots": 3`},
		{healthy, "GET", "/readyz?verbose=1", 200, `"ready": true`},
		{failing, "GET", "/readyz?verbose", 503, `"reason": "draining"`},
		{healthy, "GET", "/metrics", 200, "\nanswer 42\n"},
		{healthy, "POST", "/metrics", 405, ""},
		{healthy, "DELETE", "/livez", 405, ""},
		{healthy, "GET", "/", 404, ""},
		{healthy, "GET", "/livez/", 404, ""},
		{healthy, "GET", "/healthz", 404, ""},
		{healthy, "GET", "/debug/pprof/", 404, ""},
		{healthy, "GET", "/debug/vars", 404, ""},
		{healthy, "POST", "/", 404, ""},
	} {
		w := httptest.NewRecorder()
		row.p.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), row.method, row.path, nil))
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.body) {
			t.Errorf("%s %s = %d %q, want %d %q", row.method, row.path, w.Code, w.Body, row.status, row.body)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: header %v", row.method, row.path, w.Header())
		}
	}
}

// A scraper that asks for OpenMetrics gets it; Prometheus asks so.
func TestMetricsAreOpenMetricsWhereAsked(t *testing.T) {
	for accept, want := range map[string]string{
		"": "text/plain", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5": "application/openmetrics-text",
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		process{}.handler().ServeHTTP(w, r)
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("Accept: %s: got %s, want %s", accept, got, want)
		}
	}
}

func TestServerServesUntilClosed(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := web.Start(t.Context(), "127.0.0.1:0", process{}.handler(), log)
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + s.Addr().String() + "/livez"
	if body, err := get(t.Context(), url); err != nil || body != "live\n" {
		t.Errorf("%q, %v", body, err)
	}
	_, err = web.Start(t.Context(), s.Addr().String(), process{}.handler(), log)
	if err == nil || err.Error() != "cannot listen: the port is in use" {
		t.Errorf("a second server on the same port: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := get(t.Context(), url); err == nil {
		t.Error("it responds after Close")
	}
}

// A scrape that hangs does not keep the process from ending.
func TestCloseEndsWithItsContext(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})
	s, err := web.Start(t.Context(), "127.0.0.1:0", h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(release) })
	go func() { _, _ = get(context.WithoutCancel(t.Context()), "http://"+s.Addr().String()) }()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close = %v", err)
	}
}

func TestListenErrors(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:0": "this host has no such address", // RFC 5737
	} {
		_, err := web.Start(t.Context(), address, process{}.handler(), slog.New(slog.DiscardHandler))
		if err == nil || err.Error() != "cannot listen: "+want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(answer.Body)
	return string(body), errors.Join(err, answer.Body.Close())
}
