package conductor_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conductor-jwt/conductor"
)

// A redirect is followed on the same host and port, and from http to https on
// the same host; credentials and tasks go nowhere else.
func TestRedirectTargets(t *testing.T) {
	ca := newAuthority(t, "ca")
	file := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, file, ca.pem())
	soon := time.Now().Add(time.Hour)
	secure := func(handler http.Handler) string { return serveHTTP(t, handler, ca.server(t, "127.0.0.1", soon)) }
	plain := func(handler http.Handler) string { return serveHTTP(t, handler, nil) }
	list := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) })
	for what, row := range map[string]struct {
		from, to func(http.Handler) string
		host     string // in place of the redirect's
		followed bool
	}{
		"from http to https":                 {plain, secure, "", true},
		"from http to another http port":     {plain, plain, "", false},
		"from https to http":                 {secure, plain, "", false},
		"from https to another https port":   {secure, secure, "", false},
		"from http to https on another host": {plain, secure, "localhost", false},
	} {
		t.Run(what, func(t *testing.T) {
			to := row.to(list)
			if row.host != "" {
				to = strings.Replace(to, "127.0.0.1", row.host, 1)
			}
			from := row.from(http.RedirectHandler(to+"/api/x", http.StatusTemporaryRedirect))
			_, err := poll(connect(t, conductor.Options{BaseURL: from, CAFile: file}), 1)
			if row.followed && err != nil {
				t.Errorf("the error is %v", err)
			}
			if !row.followed && failure(t, err).Class != conductor.Garbled {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// The header that is sent leaves with the gateway, whatever its file holds by then.
func TestRedirectToHTTPSLeavesTheGatewaysHeaders(t *testing.T) {
	ca := newAuthority(t, "ca")
	folder := t.TempDir()
	file, headers := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "headers")
	replace(t, file, ca.pem())
	replace(t, headers, []byte("X-Gateway: canary\n"))
	var seen http.Header
	to := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		_, _ = w.Write([]byte("[]"))
	}), ca.server(t, "127.0.0.1", time.Now().Add(time.Hour)))
	from := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Gateway") != "canary" {
			t.Error("the gateway does not get its header")
		}
		replace(t, headers, []byte("X-Next-Gateway: canary of another name\n"))
		http.Redirect(w, r, to+"/api/x", http.StatusTemporaryRedirect)
	}), nil)
	if _, err := poll(connect(t, conductor.Options{BaseURL: from, CAFile: file, HeadersFile: headers}), 1); err != nil {
		t.Fatal(err)
	}
	if seen.Get("X-Gateway") != "" || seen.Get("X-Next-Gateway") != "" {
		t.Error("a header of the gateway went past it")
	}
}

func TestRedirectLoopEnds(t *testing.T) {
	requests := 0
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	})
	_, err := poll(connect(t, conductor.Options{BaseURL: url}), 1)
	if e := failure(t, err); e.Class != conductor.Garbled || !strings.Contains(e.Error(), "redirected too often") || requests != 10 {
		t.Errorf("the error is %v after %d requests", e, requests)
	}
}

// serveHTTP serves without TLS if config is nil.
func serveHTTP(t *testing.T, handler http.Handler, config *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.TLS = config
	if config == nil {
		s.Start()
	} else {
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s.URL
}

func TestNoSkewWithoutDate(t *testing.T) {
	for name, date := range map[string][]string{"without a date": nil, "with a date that is none": {"soon"}} {
		t.Run(name, func(t *testing.T) {
			var seen observed
			url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = date
				_, _ = w.Write([]byte("[]"))
			})
			c := connect(t, conductor.Options{BaseURL: url, Observe: seen.add})
			if _, err := poll(c, 1); err != nil {
				t.Fatal(err)
			}
			if skew, known := c.Skew(); known || len(seen.all) != 1 || seen.all[0].HasSkew || seen.all[0].Skew != 0 {
				t.Errorf("skew is %s, %v; observed %+v", skew, known, seen.all)
			}
		})
	}
}

func TestSkewIsTheServersClockMinusOurs(t *testing.T) {
	now := time.Unix(4_000_000_000, 700_000_000)
	for _, ahead := range []time.Duration{0, time.Minute, -time.Hour} {
		var seen observed
		url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", now.Add(ahead).UTC().Format(http.TimeFormat))
			_, _ = w.Write([]byte("[]"))
		})
		c := connect(t, conductor.Options{BaseURL: url, Observe: seen.add, Now: func() time.Time { return now }})
		if _, err := poll(c, 1); err != nil {
			t.Fatal(err)
		}
		if skew, known := c.Skew(); !known || skew != ahead || !seen.all[0].HasSkew || seen.all[0].Skew != ahead {
			t.Errorf("skew is %s, want %s", skew, ahead)
		}
	}
}
