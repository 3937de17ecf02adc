package web

import (
	"maps"
	"net/http"
	"net/http/pprof" // registers itself on the default mux, which nothing here serves
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxSeconds is the longest time of a profile.
const maxSeconds = 300

// ProfileHandler serves net/http/pprof's CPU and heap profiles under
// /debug/pprof/, and the stacks of goroutines as text. It does not serve the other
// pages of net/http/pprof: cmdline shows the process's arguments, and debug=2 the
// arguments of functions, which may hold parts of a key.
//
// The Host must be a loopback address or localhost, so that no page in a browser
// reads a profile under a name of its own (DNS rebinding).
func ProfileHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/{$}", listProfiles)
	mux.Handle("GET /debug/pprof/profile", checkSeconds(oneAtATime(pprof.Profile)))
	mux.Handle("GET /debug/pprof/heap", checkSeconds(pprof.Handler("heap")))
	mux.HandleFunc("GET /debug/pprof/goroutine", profileGoroutines)
	return noStore(requireLoopback(mux))
}

func listProfiles(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, "profile?seconds=30\nheap?gc=1\ngoroutine")
}

// checkSeconds bounds the time of a profile. net/http/pprof accepts any number, and
// takes its default for what is not a number.
func checkSeconds(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.URL.Query().Get("seconds")
		n, err := strconv.Atoi(text)
		if text != "" && (err != nil || n < 1 || n > maxSeconds) {
			writeText(w, http.StatusBadRequest, "seconds is a whole number from 1 to 300")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// oneAtATime refuses a request while another one is served: the runtime makes
// one CPU profile at a time.
func oneAtATime(next http.HandlerFunc) http.Handler {
	var busy sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !busy.TryLock() {
			writeText(w, http.StatusConflict, "another profile is being made; try again when it has ended")
			return
		}
		defer busy.Unlock()
		next(w, r)
	})
}

// profileGoroutines writes each different stack (functions, files and lines) and
// how many goroutines have it. net/http/pprof's own page would write the labels of
// goroutines, which a dependency may set to the data that it works on.
func profileGoroutines(w http.ResponseWriter, _ *http.Request) {
	records := goroutines()
	counts := map[string]int{}
	for i := range records {
		counts[stackText(records[i].Stack())]++
	}
	var text strings.Builder
	text.WriteString("goroutines: " + strconv.Itoa(len(records)) + "\n")
	for _, stack := range slices.Sorted(maps.Keys(counts)) {
		text.WriteString("\n" + strconv.Itoa(counts[stack]) + " in\n" + stack)
	}
	writeText(w, http.StatusOK, text.String())
}

// goroutines returns the stacks of all goroutines.
func goroutines() []runtime.StackRecord {
	for size := runtime.NumGoroutine() + 64; ; size *= 2 { // more may start meanwhile
		records := make([]runtime.StackRecord, size)
		if n, ok := runtime.GoroutineProfile(records); ok {
			return records[:n]
		}
	}
}

func stackText(pcs []uintptr) string {
	var b strings.Builder
	frames := runtime.CallersFrames(pcs)
	for {
		frame, more := frames.Next()
		b.WriteString("\t" + frame.Function + "\n\t\t" + frame.File + ":" + strconv.Itoa(frame.Line) + "\n")
		if !more {
			return b.String()
		}
	}
}
