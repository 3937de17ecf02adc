package conductor_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// answering is a server of one handler; its address comes back.
func answering(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}
