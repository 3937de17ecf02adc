// Scenario runs a worker through what its operator has to see: tasks of
// every kind, faults of its server, a clock that is off. The check of the
// dashboard and the alerts in deploy/check reads its metrics.
//
//	scenario WORKER
//
// It starts the worker, prints the address of its metrics, and for each line
// that it reads plays the next act and prints its name:
//
//	idle   polls come back with nothing
//	good   tasks are done
//	busy   everything happens
//	again  and once more
//
// At the end of its input it ends, its worker with it.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to undo
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("scenario: name the worker's program, such as bin/conductor-jwt")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	s, err := open(ctx, args[0])
	if err != nil {
		return err
	}
	defer s.close(ctx)
	if _, err := fmt.Fprintln(out, s.metrics); err != nil {
		return err
	}
	acts := []struct {
		name string
		play func(context.Context) error
	}{{"idle", s.idle}, {"good", s.good}, {"busy", s.busy}, {"again", s.busy}}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if len(acts) == 0 {
			return errors.New("scenario: there are no more acts")
		}
		if err := acts[0].play(ctx); err != nil {
			return fmt.Errorf("scenario: %s: %w\n%s", acts[0].name, err, s.worker.Log())
		}
		if _, err := fmt.Fprintln(out, acts[0].name); err != nil {
			return err
		}
		acts = acts[1:]
	}
	return nil
}
