package conductorjar

import (
	"io"
	"regexp"
	"strconv"
	"sync"

	"conductor-jwt/internal/conductorjar/child"
)

// portWatch passes the server's output on, keeps its end for an error message,
// and finds the port in it. A port that the kernel gives to the server itself
// cannot be taken by another program in between.
type portWatch struct {
	mu    sync.Mutex
	to    io.Writer
	tail  *child.Tail
	line  []byte
	found bool
	port  chan int // gets one value
	said  *regexp.Regexp
}

func newPortWatch(to io.Writer) *portWatch {
	if to == nil {
		to = io.Discard
	}
	return &portWatch{
		to: to, tail: child.NewTail(32 << 10), port: make(chan int, 1),
		said: regexp.MustCompile(`Tomcat started on port (\d+)`),
	}
}

// Write implements [io.Writer].
func (w *portWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.tail.Write(p) // it never fails
	if !w.found {
		w.search(p)
	}
	return w.to.Write(p)
}

func (w *portWatch) search(p []byte) {
	for _, b := range p {
		if b != '\n' {
			w.line = append(w.line, b)
			continue
		}
		if match := w.said.FindSubmatch(w.line); match != nil {
			if port, err := strconv.Atoi(string(match[1])); err == nil {
				w.found = true
				w.port <- port
				return
			}
		}
		w.line = w.line[:0]
	}
}
