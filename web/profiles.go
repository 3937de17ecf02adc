package web

import (
	"context"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// How long a CPU profile takes, in seconds.
const (
	defaultSpan = 30
	mostSpan    = 300
)

// Profiles serves, under /debug/pprof/, a CPU profile and a heap profile that
// `go tool pprof` reads, and as text where goroutines stand. It uses only what
// little of runtime/pprof these take: the whole of net/http/pprof would add
// half a megabyte to the binary, serve the command line too and put itself on
// the default mux.
//
// A profile holds the names of functions and counts. Stacks with arguments are
// not to be had: an argument may be part of a key. Only a client that calls
// this server by a loopback name is answered, so that no page in a browser
// reaches it through a name of its own.
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/{$}", listProfiles)
	mux.HandleFunc("GET /debug/pprof/profile", profileCPU)
	mux.HandleFunc("GET /debug/pprof/heap", profileHeap)
	mux.HandleFunc("GET /debug/pprof/goroutine", profileGoroutines)
	return guard(onlyLoopback(mux))
}

func listProfiles(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, "profile?seconds=30\nheap?gc=1\ngoroutine")
}

// onlyLoopback refuses the Host of a name that somebody made lead here.
func onlyLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			writeText(w, http.StatusForbidden, "profiles are served to this machine alone; ask for them at 127.0.0.1")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	host = hostname(host)
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}

// profileCPU looks where time goes until its span is over or the reader gone.
// The runtime takes one at a time.
func profileCPU(w http.ResponseWriter, r *http.Request) {
	span, ok := spanOf(r.URL.Query().Get("seconds"))
	if !ok {
		writeText(w, http.StatusBadRequest, "seconds is a whole number from 1 to 300")
		return
	}
	// The server's own deadline is for quick answers; a recorder has none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(span + scrapeTimeout))
	w.Header().Set("Content-Type", "application/octet-stream")
	if pprof.StartCPUProfile(w) != nil { // before the first byte
		writeText(w, http.StatusConflict, "another profile is being taken; try again when it has ended")
		return
	}
	defer pprof.StopCPUProfile()
	wait(r.Context(), span)
}

func spanOf(seconds string) (time.Duration, bool) {
	if seconds == "" {
		return defaultSpan * time.Second, true
	}
	n, err := strconv.Atoi(seconds)
	return time.Duration(n) * time.Second, err == nil && n >= 1 && n <= mostSpan
}

// wait ends early if the reader goes.
func wait(ctx context.Context, span time.Duration) {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func profileHeap(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("gc") {
		runtime.GC()
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_ = pprof.WriteHeapProfile(w) // a reader that has gone is not worth a word
}
