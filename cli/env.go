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

// Env is everything that a command takes from the process: tests pass their
// own. No other package reads the environment.
type Env struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) (string, bool)
	Environ func() []string // NAME=value, as [os.Environ]
	Now     func() time.Time

	// Signals starts to deliver SIGINT and SIGTERM, and the function that it
	// returns stops it. A command that ends in its own time calls it; under
	// any other, both signals keep their usual effect. SIGPIPE is ignored from
	// then on: the worker outlives the reader of its log or audit.
	Signals func() (<-chan os.Signal, func())

	// Reloads starts to deliver SIGHUP, as Signals does its own.
	Reloads func() (<-chan os.Signal, func())

	// Version is what the build was given; empty where it was given none.
	Version string

	unprotected bool // core dumps could not be turned off
}

// signals has room for two: the first asks a command to end, the second ends
// it at once.
func signals() (<-chan os.Signal, func()) {
	signal.Ignore(syscall.SIGPIPE)
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

// reloads has room for one: what is read again has then not been begun.
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

// colours reports whether w may be written to in colour: only on a terminal,
// and never where NO_COLOR is set to anything (https://no-color.org).
func (e Env) colours(w io.Writer) bool {
	if v, ok := e.Getenv("NO_COLOR"); ok && v != "" {
		return false
	}
	return isTerminal(w)
}

// SGR parameters, ECMA-48 §8.3.117.
const (
	red    = "31"
	yellow = "33"
	green  = "32"
)

// paint gives a text its colour, where w is a terminal that is to have any.
func (env Env) paint(w io.Writer, colour, text string) string {
	if !env.colours(w) {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func label(env Env, w io.Writer, name, colour, text string) {
	// Standard error has nowhere to report its own failure.
	_, _ = fmt.Fprintf(w, "%s: %s\n", env.paint(w, colour, name), text)
}
