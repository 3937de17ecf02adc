// Package vaulttest is a fake of Vault and OpenBao: the part of the HTTP API
// that package vault uses, with the rules of the real servers for tokens,
// leases, permissions, namespaces and versions. keys/vault runs the same tests
// against a real server if there is one.
package vaulttest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/test/keyconformance"
)

// Root is a token that may do everything and does not expire.
const Root = "root"

// Server is the server. Its methods may be called at any time.
type Server struct {
	URL       string
	Namespace string // of everything; empty: the root
	Now       func() time.Time

	// Hold makes every request wait until Release.
	keyconformance.Gate

	mu      sync.Mutex
	tokens  map[string]*token
	issued  int
	logins  map[string]*login      // by path
	transit map[string]*transitKey // by mount/name
	secrets map[string]*kvSecret   // by mount/path
	denied  map[string]bool        // by path
	sealed  bool
	fault   func(r *http.Request) int
	calls   map[string]int // by method and path
}

// New starts a server that ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		Now: time.Now, tokens: map[string]*token{Root: {}}, logins: map[string]*login{},
		transit: map[string]*transitKey{}, secrets: map[string]*kvSecret{}, denied: map[string]bool{}, calls: map[string]int{},
	}
	server := httptest.NewServer(s)
	s.URL = server.URL
	tb.Cleanup(func() { s.Release(); server.Close() })
	return s
}

// Deny withdraws the permission for a path, such as transit/sign/billing, from
// every token.
func (s *Server) Deny(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[path] = true
}

// Seal seals the server until Unseal.
func (s *Server) Seal() { s.setSealed(true) }

// Unseal unseals the server. Its contents and its tokens are unchanged.
func (s *Server) Unseal() { s.setSealed(false) }

func (s *Server) setSealed(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = yes
}

// Fail answers with the status that f returns, unless that is 0. A nil f ends it.
func (s *Server) Fail(f func(r *http.Request) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Calls returns the number of requests, such as "POST auth/kubernetes/login".
func (s *Server) Calls(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[what]
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	s.mu.Lock()
	s.calls[r.Method+" "+path]++
	fault := s.fault
	s.mu.Unlock()
	if s.Pass(r.Context()) != nil {
		return
	}
	if fault != nil {
		if status := fault(r); status != 0 {
			refuse(w, status, "a fault of the test")
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve(w, r, path)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, path string) {
	if s.sealed {
		refuse(w, http.StatusServiceUnavailable, "Vault is sealed")
		return
	}
	if r.Header.Get("X-Vault-Namespace") != s.Namespace {
		refuse(w, http.StatusNotFound, "no handler for route")
		return
	}
	body := map[string]any{}
	if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&body) != nil {
		refuse(w, http.StatusBadRequest, "error parsing JSON")
		return
	}
	if login, ok := s.logins[path]; ok && r.Method == http.MethodPost {
		s.logIn(w, login, body)
		return
	}
	name := r.Header.Get("X-Vault-Token")
	held := s.tokens[name]
	if held == nil || held.expired(s.Now()) {
		refuse(w, http.StatusForbidden, "permission denied") // the same status for both
		return
	}
	if s.denied[path] {
		refuse(w, http.StatusForbidden, wrapped("permission denied"))
		return
	}
	switch {
	case path == "auth/token/lookup-self" && r.Method == http.MethodGet:
		reply(w, map[string]any{"data": map[string]any{"ttl": held.left(s.Now()), "renewable": held.renewable}})
	case path == "auth/token/renew-self" && r.Method == http.MethodPost:
		s.renew(w, name, held)
	case strings.Contains(path, "/keys/") && r.Method == http.MethodGet:
		s.readTransit(w, strings.Replace(path, "/keys/", "/", 1))
	case strings.Contains(path, "/sign/") && r.Method == http.MethodPost:
		s.sign(w, strings.Replace(path, "/sign/", "/", 1), body)
	case strings.Contains(path, "/metadata/") && r.Method == http.MethodGet:
		s.readMetadata(w, strings.Replace(path, "/metadata/", "/", 1))
	case strings.Contains(path, "/data/") && r.Method == http.MethodGet:
		s.readData(w, strings.Replace(path, "/data/", "/", 1), r.URL.Query().Get("version"))
	default:
		refuse(w, http.StatusNotFound, "no handler for route")
	}
}

// wrapped is the text of an error that the server's library wraps.
func wrapped(problem string) string { return "1 error occurred:\n\t* " + problem + "\n\n" }

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(http.ErrAbortHandler) // the client disconnected
	}
}

func refuse(w http.ResponseWriter, status int, problem string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	reply(w, map[string][]string{"errors": {problem}})
}

// notFound answers for a path without contents.
func notFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	reply(w, map[string][]string{"errors": {}})
}
