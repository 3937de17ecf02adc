package web

import (
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// spare is room for goroutines that begin while they are being counted.
const spare = 64

// profileGoroutines tells where goroutines stand and how many in each place:
// functions, files and lines, never arguments.
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
