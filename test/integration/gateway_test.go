package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newGateway starts a proxy before a server that behaves as users' gateways do and
// returns its URL. The first segment of the path selects the behaviour; the rest
// is the server's path.
func newGateway(t *testing.T, server string) string {
	t.Helper()
	proxy, timeless := proxyTo(t, server), proxyTo(t, server)
	timeless.ModifyResponse = func(response *http.Response) error {
		response.Header.Del("Date")
		return nil
	}
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		r.URL.Path, r.URL.RawPath = "/"+path, ""
		switch {
		case what == "timeless":
			w.Header()["Date"] = nil // otherwise net/http adds one
			timeless.ServeHTTP(w, r)
		case !gatewayAnswers(w, r, what):
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listening.Close)
	return listening.URL
}

// gatewayAnswers answers instead of the server, and reports whether it did.
func gatewayAnswers(w http.ResponseWriter, r *http.Request, what string) bool {
	switch within := func(path string) bool { return strings.HasPrefix(r.URL.Path, "/api/"+path) }; {
	case what == "login": // a login page for browsers
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title>") // fails only if the client has disconnected
	case what == "unwell": // a load balancer without a server
		http.Error(w, "no server is available", http.StatusServiceUnavailable)
	case what == "no-metadata" && within("metadata"), what == "no-tasks" && within("tasks"):
		refuse(w, http.StatusForbidden, "FORBIDDEN", "not for this application")
	case what == "no-credentials" && within("tasks"):
		refuse(w, http.StatusUnauthorized, "EXPIRED_TOKEN", "Token has expired")
	case what == "no-secrets" && within("secrets"): // an older server
		refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("no static resource %s", r.URL.Path))
	default:
		return false
	}
	return true
}
