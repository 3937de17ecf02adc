// Package cli is the command line: one file a command, and the wiring.
//
// What every command keeps to: results on standard output and everything
// else on standard error; exit status 0 done, 1 it failed, 2 wrong use; an
// error is one line that begins with "error:", followed by a "hint:" where
// there is a next step, and never by a page of help. Messages are lower case
// and without a full stop, and no secret comes by flag.
package cli

import (
	"context"
	"errors"
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

// Main runs the process's own command line and returns its exit status:
// 0 done, 1 it failed, 2 wrong use. The version is the linker's, or empty. It
// keeps the memory of the process off the disk before any command reads a
// secret: the worker reads settings, and others keys and passwords.
func Main(version string) int {
	unprotected := keepOffDisk() != nil
	return Run(context.Background(), Env{
		Args:    os.Args[1:],
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.LookupEnv, //nolint:forbidigo // the one place where the environment enters
		Environ: os.Environ,   //nolint:forbidigo // the one place where the environment enters
		Now:     time.Now,
		Signals: signals,
		Reloads: reloads,
		Version: version,

		unprotected: unprotected,
	})
}

// Run runs one command line and returns its exit status.
func Run(ctx context.Context, env Env) int {
	root := newRootCommand(env) //nolint:contextcheck // commands get it from ExecuteContext
	started := markStarted(root)
	err := checkCommand(root, env.Args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return exitDone
	}
	if !*started {
		err = asUsage(err)
	}
	if errors.Is(err, errSecond) {
		printAtMost(time.Second, env, err)
	} else {
		printError(env, err)
	}
	return exitStatus(err)
}

// printAtMost does not wait for a standard error that blocks, such as a pipe
// that is full.
func printAtMost(d time.Duration, env Env, err error) {
	printed := make(chan struct{})
	go func() {
		printError(env, err)
		close(printed)
	}()
	select {
	case <-printed:
	case <-time.After(d):
	}
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
