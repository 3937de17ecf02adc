package conductor_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// answering serves one handler and returns its address.
func answering(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}
