// Package integration_test runs the built worker against the real Conductor
// server, which is booted once for all tests. Where the server cannot be had,
// the tests fail and say what is missing: a green run has met the real thing.
package integration_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// shared is the server and the worker that most tests use.
var shared *stage

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) (status int) {
	ctx := context.Background()
	flag.Parse()
	// Who may not run beside whom is said by turns, not by a number.
	err := flag.Set("test.parallel", "16")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared, err = setUp(ctx)
	defer func() {
		if err := errors.Join(shared.tearDown(ctx), goleak.Find()); err != nil {
			fmt.Fprintln(os.Stderr, "tear down:", err)
			status = 1
		}
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
