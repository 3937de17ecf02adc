package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Env is everything that a command takes from its process; tests pass their
// own. No other package reads the environment.
type Env struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) (string, bool)
	Environ func() []string // NAME=value, as [os.Environ]
	Now     func() time.Time

	// Signals starts to deliver SIGINT and SIGTERM; the returned function stops
	// it. Only the worker calls it, so that both signals end any other command.
	// From then on SIGPIPE is ignored: the worker continues when the process
	// that reads its log or audit ends.
	Signals func() (<-chan os.Signal, func())

	// Reloads does the same with SIGHUP.
	Reloads func() (<-chan os.Signal, func())

	// Version and Commit are set by the linker; they may be empty.
	Version, Commit string

	unprotected bool // core dumps could not be turned off
}

// variable returns a variable of the environment; empty if it is not set.
func (e Env) variable(name string) string {
	text, _ := e.Getenv(name)
	return text
}

// signals buffers two: the first asks the worker to drain, the second to stop
// at once.
func signals() (<-chan os.Signal, func()) {
	signal.Ignore(syscall.SIGPIPE)
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

// reloads buffers one: a reload that has not begun covers all that follow.
func reloads() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// isTerminal reports whether v, one of the streams of an Env, is a terminal.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colours reports whether w may be written to in colour: on a terminal that is not
// dumb, or with CLICOLOR_FORCE (https://bixense.com/clicolors), and never with
// NO_COLOR (https://no-color.org).
func (e Env) colours(w io.Writer) bool {
	if e.variable("NO_COLOR") != "" {
		return false
	}
	if force := e.variable("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return e.variable("TERM") != "dumb" && isTerminal(w)
}

// SGR parameters, ECMA-48 §8.3.117.
const (
	red    = "31"
	yellow = "33"
	green  = "32"
)

// paint returns text in a colour if w may be written to in colour.
func (e Env) paint(w io.Writer, colour, text string) string {
	if !e.colours(w) {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// label writes "name: text" to standard error.
func (e Env) label(name, colour, text string) {
	_, _ = fmt.Fprintf(e.Stderr, "%s: %s\n", e.paint(e.Stderr, colour, name), text) // there is nowhere to report a failure
}

func (e Env) warn(text string) { e.label("warning", yellow, text) }
