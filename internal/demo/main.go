// Demo runs a GET_SIGNED_JWT workflow on the open-source Conductor server: it
// starts the server with a new key as its secret and the worker, runs the workflow
// of deploy/conductor and verifies the token with a library that did not sign it.
// It stops everything at the end. KEEP=1 keeps server and worker running until
// Ctrl-C, WORKER=FILE uses a built worker, and SERVER=VERSION another release of
// the server; one without secrets gets the key as a workflow input.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/conductorjar/child"
)

// interrupted is a shell's exit status for a program ended by SIGINT: 128 + 2.
const interrupted = 130

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go watchParent(ctx, cancel)
	env := os.Environ() //nolint:forbidigo // this is a main, as cli's is
	screen := newScreen(os.Stdout, styleOf(env, os.Stdout))
	err := run(ctx, env, screen)
	screen.close()
	switch {
	case err == nil:
	case ctx.Err() != nil: // err is a consequence
		fmt.Fprintln(os.Stderr, "interrupted")
		os.Exit(interrupted)
	default:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// watchParent ends the demo when "go run" is killed, which does not forward
// signals.
func watchParent(ctx context.Context, cancel context.CancelFunc) {
	program, err := os.Executable()
	if err != nil || !strings.Contains(program, "go-build") {
		return
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for parent := os.Getppid(); os.Getppid() == parent; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	cancel()
}

// styleOf decides whether to use colour (https://no-color.org, CLICOLOR_FORCE of
// https://bixense.com/clicolors) and a live status line.
func styleOf(env []string, out *os.File) style {
	terminal := term.IsTerminal(int(out.Fd())) && child.Getenv(env, "TERM") != "dumb"
	s := style{colour: terminal, live: terminal}
	if force := child.Getenv(env, "CLICOLOR_FORCE"); force != "" && force != "0" {
		s.colour = true
	}
	if child.Getenv(env, "NO_COLOR") != "" {
		s.colour = false
	}
	return s
}

func run(ctx context.Context, env []string, screen *screen) error {
	root, err := projectRoot()
	if err != nil {
		return err
	}
	binary := child.Getenv(env, "WORKER")
	if binary != "" {
		if binary, err = filepath.Abs(binary); err != nil {
			return err
		}
	}
	release, err := conductorjar.ReleaseOf(child.Getenv(env, "SERVER"))
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "conductor-jwt-demo-")
	if err != nil {
		return err
	}
	d := &demo{env: env, root: root, folder: folder, worker: binary, release: release, screen: screen}
	err = d.demonstrate(ctx)
	if keep, parseErr := strconv.ParseBool(child.Getenv(env, "KEEP")); err == nil && parseErr == nil && keep {
		err = d.keepRunning(ctx)
	}
	d.close(context.WithoutCancel(ctx))
	if err == nil {
		d.printNextSteps()
	}
	return err
}

// projectRoot returns the project's folder, at or above the working directory.
func projectRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "deploy", "conductor", "workflow.json")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no deploy/conductor/workflow.json at or above the working directory; run the demo inside the project")
		}
		folder = parent
	}
}
