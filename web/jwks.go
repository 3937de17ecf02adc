package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"conductor-jwt/keyring"
)

// Published is what the JWKS pages show.
type Published interface {
	// Set is the set of all published keys.
	Set() keyring.Set
	// KeySet is that of one key; false where none of that name is published.
	KeySet(name string) (keyring.Set, bool)
	// Complete reports whether no key is missing that was published before.
	Complete() bool
}

// JWKSHandler serves /.well-known/jwks.json, /keys/{name}/jwks.json and a
// /readyz of its own: verifiers need the keys whether or not tasks are run.
// Everything else is a 404.
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
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !published().Complete() {
			writeText(w, http.StatusServiceUnavailable, "not ready: a published key is not there yet")
			return
		}
		writeText(w, http.StatusOK, "ready")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

// serveSet never serves an empty set: a verifier would take it for the truth,
// and refuse every token.
func serveSet(w http.ResponseWriter, r *http.Request, set keyring.Set) {
	h := w.Header()
	if set.Len == 0 {
		h.Set("Cache-Control", "no-store")
		writeText(w, http.StatusServiceUnavailable, "no published key is there yet")
		return
	}
	h.Set("ETag", set.ETag)
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int64(set.MaxAge/time.Second)))
	if matches(r.Header.Values("If-None-Match"), set.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/jwk-set+json") // RFC 7517 §8.5.2
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		// The client disconnected; ignore the error.
		_, _ = w.Write(set.Body)
	}
}

// matches compares weakly, as If-None-Match does (RFC 9110 §13.1.2).
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
