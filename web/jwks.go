package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"conductor-jwt/keyring"
)

// Published are the public keys of the operator's keys.
type Published interface {
	// Set returns the set of all published keys.
	Set() keyring.Set
	// KeySet returns the set of one key; false where no published key has the name.
	KeySet(name string) (keyring.Set, bool)
	// IssuerSet returns the issuer of a path and its set; false where none has it.
	IssuerSet(path string) (keyring.IssuerSet, bool)
	// Complete reports whether every published key has been loaded.
	Complete() bool
}

// JWKSHandler serves /.well-known/jwks.json, /keys/{name}/jwks.json, the discovery
// documents and sets of issuers, and a /readyz of its own, because verifiers need
// the keys also while the worker is not ready. Everything else is a 404. It calls
// published for each request, since a reload replaces the keys.
func JWKSHandler(published func() Published) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, r *http.Request) {
		serveSet(w, r, published().Set())
	})
	mux.HandleFunc("GET /keys/{name}/jwks.json", func(w http.ResponseWriter, r *http.Request) {
		set, ok := published().KeySet(r.PathValue("name"))
		if !ok {
			w.Header().Set("Cache-Control", "no-store")
			writeText(w, http.StatusNotFound, "no published key has this name")
			return
		}
		serveSet(w, r, set)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { serveIssuer(w, r, published()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !published().Complete() {
			writeText(w, http.StatusServiceUnavailable, "not ready: a published key has not been loaded yet")
			return
		}
		writeText(w, http.StatusOK, "ready")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

// serveIssuer serves an issuer's discovery documents (OpenID Connect Discovery 1.0
// §4, RFC 8414 §3.1) and its set, below the path of its URL.
func serveIssuer(w http.ResponseWriter, r *http.Request, published Published) {
	serve := serveDocument
	path, ok := strings.CutSuffix(r.URL.Path, "/.well-known/openid-configuration")
	if !ok {
		path, ok = strings.CutPrefix(r.URL.Path, "/.well-known/oauth-authorization-server")
	}
	if !ok {
		path, ok = strings.CutSuffix(r.URL.Path, "/jwks.json")
		serve = func(w http.ResponseWriter, r *http.Request, issuer keyring.IssuerSet) { serveSet(w, r, issuer.Set) }
	}
	issuer, known := published.IssuerSet(path)
	if !ok || !known {
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	serve(w, r, issuer)
}

// document is what verifiers read of an issuer (OpenID Connect Discovery 1.0 §3,
// RFC 8414 §2).
type document struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
}

func serveDocument(w http.ResponseWriter, r *http.Request, issuer keyring.IssuerSet) {
	d := document{
		Issuer: issuer.URL, JWKSURI: issuer.JWKSURI(), ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"},
	}
	for _, alg := range issuer.Set.Algorithms {
		d.Algorithms = append(d.Algorithms, string(alg))
	}
	body, err := json.Marshal(d)
	if err != nil {
		writeText(w, http.StatusInternalServerError, "the document cannot be written")
		return
	}
	set := issuer.Set // cached no longer than the set: a new key may add an algorithm
	set.Body = append(body, '\n')
	set.ETag = keyring.ETag(set.Body)
	serveCached(w, r, set, "application/json")
}

func serveSet(w http.ResponseWriter, r *http.Request, set keyring.Set) {
	serveCached(w, r, set, "application/jwk-set+json") // RFC 7517 §8.5.2
}

// serveCached serves a body that verifiers may cache. It refuses to serve an empty
// set, with which a verifier would refuse every token.
func serveCached(w http.ResponseWriter, r *http.Request, set keyring.Set, contentType string) {
	h := w.Header()
	if set.Len == 0 {
		h.Set("Cache-Control", "no-store")
		writeText(w, http.StatusServiceUnavailable, "no published key has been loaded yet")
		return
	}
	h.Set("ETag", set.ETag)
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int64(set.MaxAge/time.Second)))
	if matches(r.Header.Values("If-None-Match"), set.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		// The client disconnected; ignore the error.
		_, _ = w.Write(set.Body)
	}
}

// matches reports whether If-None-Match holds etag. It compares weakly (RFC 9110
// §13.1.2).
func matches(headers []string, etag string) bool {
	for _, header := range headers {
		for tag := range strings.SplitSeq(header, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
