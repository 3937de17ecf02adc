// Scenario makes a worker report every metric that the dashboard and the alerts
// query: it runs tasks of every kind, server faults and clock skew. deploy/check
// reads the metrics.
//
//	scenario WORKER
//
// It starts the worker and prints the address of its metrics. For each line of
// its input it runs the next phase and prints the phase's name:
//
//	idle    polls return no task
//	valid   tasks complete
//	faulty  tasks, faults and refusals of every kind
//	again   the same as faulty
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
	phases := []struct {
		name string
		run  func(context.Context) error
	}{{"idle", s.idle}, {"valid", s.valid}, {"faulty", s.faulty}, {"again", s.faulty}}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if len(phases) == 0 {
			return errors.New("scenario: every phase has been run; expected the end of the input")
		}
		if err := phases[0].run(ctx); err != nil {
			return fmt.Errorf("scenario: %s: %w\n%s", phases[0].name, err, s.worker.Log())
		}
		if _, err := fmt.Fprintln(out, phases[0].name); err != nil {
			return err
		}
		phases = phases[1:]
	}
	return nil
}
