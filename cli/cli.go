// Package cli is the command line: one file a command, and the wiring.
package cli

import (
	"context"
	"io"
	"os"
)

// Env is everything that a command takes from the process: tests pass their
// own. No other package reads the environment.
type Env struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) (string, bool)
}

// Main runs the process's own command line and returns its exit status:
// 0 done, 1 it failed, 2 wrong use.
func Main() int {
	return Run(context.Background(), Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.LookupEnv,
	})
}

// Run runs one command line.
func Run(_ context.Context, _ Env) int { return 0 }
