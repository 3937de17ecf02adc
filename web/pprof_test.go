package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"

	"conductor-jwt/web"
)

func profile(ctx context.Context, host, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Host = host
	web.ProfileHandler().ServeHTTP(w, r)
	return w
}

func TestProfiles(t *testing.T) {
	for _, row := range []struct {
		host, path string
		status     int
		body       string
	}{
		{"127.0.0.1:6060", "/debug/pprof/", 200, "profile?seconds=30\nheap?gc=1\ngoroutine\n"},
		{"[::1]:6060", "/debug/pprof/", 200, "heap"},
		{"localhost:6060", "/debug/pprof/goroutine", 200, "web.profileGoroutines"},
		// Stacks with arguments may hold parts of keys.
		{"localhost", "/debug/pprof/goroutine?debug=2", 200, "goroutines: "},
		{"localhost", "/debug/pprof/profile?seconds=0", 400, "seconds is a whole number from 1 to 300"},
		{"localhost", "/debug/pprof/profile?seconds=301", 400, "seconds is a whole number from 1 to 300"},
		{"localhost", "/debug/pprof/profile?seconds=1e1", 400, "seconds is a whole number from 1 to 300"},
		{"localhost", "/debug/pprof/heap?seconds=301", 400, "seconds is a whole number from 1 to 300"},
		{"localhost", "/debug/pprof/heap?debug=1", 200, "heap profile: "},
		// A page whose name resolves to this machine.
		{"evil.example:6060", "/debug/pprof/heap", 403, "this machine alone"},
		{"127.0.0.1.evil.example", "/debug/pprof/heap", 403, "this machine alone"},
		{"192.0.2.1:6060", "/debug/pprof/", 403, "this machine alone"},
		{"", "/debug/pprof/", 403, "this machine alone"},
		// The command line and the environment may hold secrets.
		{"localhost", "/debug/pprof/cmdline", 404, ""},
		{"localhost", "/debug/pprof/symbol", 404, ""},
		{"localhost", "/debug/pprof/trace", 404, ""},
		{"localhost", "/debug/vars", 404, ""},
		{"localhost", "/metrics", 404, ""},
		{"localhost", "/", 404, ""},
	} {
		w := profile(t.Context(), row.host, row.path)
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.body) {
			t.Errorf("%s%s = %d %.80q, want %d %q", row.host, row.path, w.Code, w.Body, row.status, row.body)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: header %v", row.path, w.Header())
		}
	}
}

// `go tool pprof` reads a compressed protocol buffer. A client that disconnects ends
// the profile early; it is complete nevertheless.
func TestProfilesAreProtocolBuffers(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, path := range []string{"profile", "heap", "heap?gc=1"} {
		w := profile(canceled, "localhost", "/debug/pprof/"+path)
		unpacked, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
		if err != nil {
			t.Errorf("%s is not a profile: %v", path, err)
			continue
		}
		if raw, err := io.ReadAll(unpacked); err != nil || len(raw) == 0 {
			t.Errorf("%s: %d bytes, %v", path, len(raw), err)
		}
	}
}

// A hexadecimal number would be the argument of a function.
func TestGoroutinesShowNoArguments(t *testing.T) {
	body := profile(t.Context(), "localhost", "/debug/pprof/goroutine").Body.String()
	if strings.Contains(body, "0x") || strings.Contains(body, "(...)") {
		t.Errorf("arguments:\n%s", body)
	}
	for _, want := range []string{"testing.tRunner\n", "pprof.go:", "1 in\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing:\n%s", want, body)
		}
	}
}

// A goroutine's labels may hold the data that it works on.
func TestGoroutinesShowNoLabels(t *testing.T) {
	pprof.Do(t.Context(), pprof.Labels("tenant", "label-canary"), func(ctx context.Context) {
		for _, query := range []string{"", "?debug=0", "?debug=1", "?debug=2"} {
			if body := profile(ctx, "localhost", "/debug/pprof/goroutine"+query).Body.String(); strings.Contains(body, "canary") || !strings.Contains(body, "testing.tRunner\n") {
				t.Errorf("%s:\n%s", query, body)
			}
		}
	})
}

// The runtime makes one CPU profile at a time.
func TestOneProfileAtATime(t *testing.T) {
	s, err := web.Start(t.Context(), "127.0.0.1:0", web.ProfileHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + s.Addr().String() + "/debug/pprof/profile?seconds=300"
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	bodies := make(chan string, 2)
	for range 2 {
		go func() {
			body, _ := get(ctx, url) // the canceled one fails
			bodies <- body
		}()
	}
	if body := <-bodies; !strings.HasPrefix(body, "another profile is being made") {
		t.Errorf("the second of two is answered %.80q", body)
	}
	stop()
	<-bodies
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
