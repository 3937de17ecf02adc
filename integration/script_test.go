package integration_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"conductor-jwt/internal/conductorjar"
)

// The scripts are what a user does at a shell, on the real server.
func TestScripts(t *testing.T) {
	f := newFront(t, shared.url())
	f.rotate()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CONDUCTOR_SERVER_URL", shared.url()+"/api")
			e.Setenv("SERVER", shared.url())
			e.Setenv("WORKER", shared.binary)
			e.Setenv("RUN", rand.Text()[:8]) // the server remembers other runs
			e.Setenv("GUARDED", f.url)
			e.Setenv("GUARDED_KEY", frontKeyID)
			e.Setenv("GUARDED_SECRET", f.keySecret)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"register": register,
			"run":      runToEnd,
			"start":    startOne,
			"status":   exitStatus,
		},
	})
}

// register FILE stores the workflow definition in a file, in which RUN is this
// run's own word.
func register(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(ts.ReadFile(args[0]), "RUN", ts.Getenv("RUN"))
	ts.Check(shared.server.RegisterWorkflow(context.Background(), json.RawMessage(text)))
}

// start NAME starts a workflow and does not wait for it.
func startOne(ts *testscript.TestScript, _ bool, args []string) {
	_, err := shared.server.StartWorkflow(context.Background(), conductorjar.StartRequest{Name: args[0], Version: 1, Input: object{}})
	ts.Check(err)
}

// run NAME STATUS starts a workflow, waits for its end, and prints why it
// ended.
func runToEnd(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w, err := shared.execute(ctx, conductorjar.StartRequest{Name: args[0], Version: 1, Input: object{}})
	ts.Check(err)
	_, _ = fmt.Fprintln(ts.Stdout(), w.Reason)
	if w.Status != args[1] {
		ts.Fatalf("%s ended %s: %s", args[0], w.Status, w.Reason)
	}
}

// exitStatus is status N COMMAND [ARG...]: runs it and checks how it ends.
func exitStatus(ts *testscript.TestScript, _ bool, args []string) {
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}
