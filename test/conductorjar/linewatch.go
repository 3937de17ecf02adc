package conductorjar

import (
	"io"
	"regexp"
	"sync"

	"conductor-jwt/test/conductorjar/child"
)

// lineWatch passes a program's output on, keeps its end for an error message,
// and finds the line in it that is waited for. The port that a program prints
// is one that it holds: no other program can take it in between.
type lineWatch struct {
	mu      sync.Mutex
	to      io.Writer
	tail    *child.Tail
	line    []byte
	found   bool
	said    chan string // gets what the pattern's group has matched, once
	pattern *regexp.Regexp
}

// newLineWatch waits for a line with one group.
func newLineWatch(to io.Writer, pattern string) *lineWatch {
	if to == nil {
		to = io.Discard
	}
	return &lineWatch{
		to: to, tail: child.NewTail(32 << 10), said: make(chan string, 1),
		pattern: regexp.MustCompile(pattern),
	}
}

// Write implements [io.Writer].
func (w *lineWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.tail.Write(p) // it never fails
	if !w.found {
		w.search(p)
	}
	return w.to.Write(p)
}

func (w *lineWatch) search(p []byte) {
	for _, b := range p {
		if b != '\n' {
			w.line = append(w.line, b)
			continue
		}
		if match := w.pattern.FindSubmatch(w.line); match != nil {
			w.found = true
			w.said <- string(match[1])
			return
		}
		w.line = w.line[:0]
	}
}
