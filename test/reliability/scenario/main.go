// Scenario runs a worker through everything that the dashboard and the alerts
// show: tasks of every kind, faults of the server, a wrong clock. The check of
// them in deploy/check reads its metrics.
//
//	scenario WORKER
//
// It starts the worker and prints the address of its metrics. For each line of
// its input it runs the next act and prints the act's name:
//
//	idle   polls return no task
//	good   tasks complete
//	busy   tasks, faults and refusals of every kind
//	again  busy once more
//
// At the end of its input it stops the worker and exits.
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
		os.Exit(1) //nolint:gocritic // the deferred stop is not needed any more
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: scenario WORKER, such as bin/conductor-jwt")
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
			return errors.New("scenario: every act has been run; expected the end of the input")
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
