// Package integration_test runs the built worker with the real Conductor server,
// which is started once for all tests. If the server cannot be started, the tests
// fail and report what is missing.
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
var shared *testbed

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) (status int) {
	ctx := context.Background()
	flag.Parse()
	// Locks separate the tests that must not run concurrently.
	err := flag.Set("test.parallel", "16")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared, err = newTestbed(ctx)
	defer func() {
		if err := errors.Join(shared.close(ctx), goleak.Find()); err != nil {
			fmt.Fprintln(os.Stderr, "close:", err)
			status = 1
		}
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
