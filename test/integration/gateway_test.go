package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newGateway stands before a server as gateways of users do: the first part of
// the path says what, the rest is the server's. It gives the address.
func newGateway(t *testing.T, server string) string {
	t.Helper()
	proxy, timeless := proxyTo(t, server), proxyTo(t, server)
	timeless.ModifyResponse = func(answer *http.Response) error {
		answer.Header.Del("Date")
		return nil
	}
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		r.URL.Path, r.URL.RawPath = "/"+path, ""
		switch {
		case what == "timeless":
			w.Header()["Date"] = nil // or net/http writes its own
			timeless.ServeHTTP(w, r)
		case !gatewayAnswers(w, r, what):
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listening.Close)
	return listening.URL
}

// gatewayAnswers answers in place of the server.
func gatewayAnswers(w http.ResponseWriter, r *http.Request, what string) bool {
	switch within := func(path string) bool { return strings.HasPrefix(r.URL.Path, "/api/"+path) }; {
	case what == "login": // a single sign-on that knows browsers only
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title>") // the client that has gone asks again
	case what == "unwell": // a balancer without a server behind it
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
