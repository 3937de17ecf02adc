package web

import (
	"maps"
	"net/http"
	"net/http/pprof" // registers itself on the default mux, which nothing here serves
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxSeconds is how long a profile may take.
const maxSeconds = 300

// Profiles serves net/http/pprof's CPU and heap profiles under /debug/pprof/,
// and the stacks of goroutines as text. The other pages of net/http/pprof are
// not served: cmdline shows arguments of the process, and debug=2 those of
// functions, which may hold parts of a key.
//
// Only requests for a loopback name are answered, so that no page in a browser
// reaches it through a name of its own (DNS rebinding).
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/{$}", listProfiles)
	mux.Handle("GET /debug/pprof/profile", checkSeconds(oneAtATime(pprof.Profile)))
	mux.Handle("GET /debug/pprof/heap", checkSeconds(pprof.Handler("heap")))
	mux.HandleFunc("GET /debug/pprof/goroutine", profileGoroutines)
	return guard(onlyLoopback(mux))
}

func listProfiles(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, "profile?seconds=30\nheap?gc=1\ngoroutine")
}

// onlyLoopback refuses a Host that is not a loopback name.
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

// checkSeconds bounds the time of a profile. Net/http/pprof takes any number,
// and its default for what is not one.
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

// oneAtATime refuses a request while another one is served: the runtime takes
// one CPU profile at a time.
func oneAtATime(next http.HandlerFunc) http.Handler {
	var busy sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !busy.TryLock() {
			writeText(w, http.StatusConflict, "another profile is being taken; try again when it has ended")
			return
		}
		defer busy.Unlock()
		next(w, r)
	})
}

// spare is room for goroutines that start while they are counted.
const spare = 64

// profileGoroutines writes where goroutines stand and how many in each place:
// functions, files and lines. It is not net/http/pprof's: that one writes the
// labels of goroutines, which a dependency may set to what it works on, and with
// debug=2 the arguments of functions, which may hold parts of a key.
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

func goroutines() []runtime.StackRecord {
	for room := runtime.NumGoroutine() + spare; ; room *= 2 {
		records := make([]runtime.StackRecord, room)
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
