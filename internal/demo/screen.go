package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// style is the formatting of the output.
type style struct {
	colour bool
	live   bool // a live status line; otherwise a line every 20 s
}

// Colours of the terminal's palette, which fit its background (ECMA-48, SGR).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	cyan   = "36"
)

// paint colours each line of text separately, because not every program keeps a
// colour across lines.
func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	begin, end := "\x1b["+code+"m", "\x1b[0m"
	return begin + strings.ReplaceAll(text, "\n", end+"\n"+begin) + end
}

// screen prints lines and, on a terminal, a status line below them.
type screen struct {
	style

	mu     sync.Mutex
	out    io.Writer
	began  time.Time
	status string
	since  time.Time
	frame  int
	stop   chan struct{}
	ended  chan struct{}
}

func newScreen(out io.Writer, s style) *screen {
	sc := &screen{style: s, out: out, began: time.Now(), stop: make(chan struct{}), ended: make(chan struct{})}
	go sc.animate()
	return sc
}

func (s *screen) animate() {
	defer close(s.ended)
	every := 20 * time.Second
	if s.live {
		every = 100 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.refresh()
		case <-s.stop:
			return
		}
	}
}

// refresh updates the status line during a long step.
func (s *screen) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == "" {
		return
	}
	if s.live {
		s.frame++
		s.draw()
		return
	}
	if time.Since(s.since) > 15*time.Second {
		s.print(s.stamp() + "  … " + s.status)
	}
}

// close removes the status line and stops refreshing it.
func (s *screen) close() {
	close(s.stop)
	<-s.ended
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
}

// step sets the status line.
func (s *screen) step(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	if !s.live {
		s.print(s.stamp() + "  " + text)
	}
	s.status, s.since = text, time.Now()
	s.draw()
}

// done prints a completed step.
func (s *screen) done(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.print(s.stamp() + "  " + s.paint(green, "✓") + " " + text)
	s.draw()
}

// idle removes the status line.
func (s *screen) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.status = ""
}

// line prints text as it is.
func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.print(text)
	s.draw()
}

// title prints the heading of a section.
func (s *screen) title(text, note string) {
	if note != "" {
		note = "  " + s.paint(dim, note)
	}
	s.line("\n" + s.paint(bold, text) + note)
}

func (s *screen) stamp() string {
	return s.paint(dim, fmt.Sprintf("%6.1fs", time.Since(s.began).Seconds()))
}

func (s *screen) print(text string) {
	// A closed pipe must not end the demo before it has stopped the server.
	_, _ = io.WriteString(s.out, text+"\n")
}

func (s *screen) draw() {
	if !s.live || s.status == "" {
		return
	}
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	spinner := string(frames[s.frame%len(frames)])
	waited := fmt.Sprintf("%.0fs", time.Since(s.since).Seconds())
	_, _ = io.WriteString(s.out, "\r\x1b[K"+s.stamp()+"  "+s.paint(cyan, spinner)+" "+s.status+" "+s.paint(dim, waited))
}

func (s *screen) erase() {
	if s.live && s.status != "" {
		_, _ = io.WriteString(s.out, "\r\x1b[K")
	}
}

// wrap cuts text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	for len(text) > width {
		lines, text = append(lines, text[:width]), text[width:]
	}
	return append(lines, text)
}

// indent puts two spaces before each line.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
