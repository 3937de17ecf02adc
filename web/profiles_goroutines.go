package web

import (
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

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
