package integration_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/rogpeppe/go-internal/testscript"

	"conductor-jwt/cli"
)

// The scripts run a user's commands with the real server.
func TestScripts(t *testing.T) {
	f := newAuthProxy(t, shared.url())
	f.rotate()
	gateway, forward := newGateway(t, shared.url()), newAuthProxy(t, shared.url())
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CONDUCTOR_SERVER_URL", shared.url()+"/api")
			e.Setenv("SERVER", shared.url())
			e.Setenv("WORKER", shared.binary)
			e.Setenv("RUN", rand.Text()[:8]) // the server keeps names of other runs
			e.Setenv("GATEWAY", gateway)
			e.Setenv("FORWARD", forward.url) // a proxy that sends every request to the server
			e.Setenv("GUARDED", f.url)
			e.Setenv("GUARDED_KEY", proxyKeyID)
			e.Setenv("GUARDED_SECRET", f.keySecret)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":     await,
			"doctor-at": doctorAt,
			"filled":    filled,
			"register":  register,
			"run":       runToEnd,
			"start":     startOne,
			"status":    exitStatus,
			"taskdef":   storeTaskDef,
		},
	})
}

// expand returns a file with RUN and WORK replaced by the run's random word and
// the script's folder.
func expand(ts *testscript.TestScript, file string) string {
	return strings.NewReplacer("RUN", ts.Getenv("RUN"), "WORK", ts.Getenv("WORK")).Replace(ts.ReadFile(file))
}

// filled FILE replaces RUN and WORK in a file.
func filled(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(expand(ts, args[0])), 0o600))
}

// register FILE stores the workflow definition in a file.
func register(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(shared.server.RegisterWorkflow(context.Background(), json.RawMessage(expand(ts, args[0]))))
}

// taskdef FILE stores the task definition in a file; ! taskdef FILE prints why the
// server refuses it.
func storeTaskDef(ts *testscript.TestScript, neg bool, args []string) {
	err := shared.server.RegisterTaskDef(context.Background(), json.RawMessage(expand(ts, args[0])))
	if neg != (err != nil) {
		ts.Fatalf("%s: %v", args[0], err)
	}
	if err != nil {
		_, _ = fmt.Fprintln(ts.Stdout(), err)
	}
}

// await PATTERN COMMAND [ARG...] runs a command until its output matches.
func await(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	seen := regexp.MustCompile(args[0])
	ts.Check(poll(ctx, 100*time.Millisecond, func() (bool, error) {
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			return false, err
		}
		return seen.MatchString(ts.ReadFile("stdout")), nil
	}))
}

// doctor-at AHEAD runs doctor with a clock that is that far ahead.
func doctorAt(ts *testscript.TestScript, _ bool, args []string) {
	ahead, err := time.ParseDuration(args[0])
	ts.Check(err)
	status := cli.Run(context.Background(), cli.Env{
		Args: []string{"doctor"}, Stdin: strings.NewReader(""), Stdout: ts.Stdout(), Stderr: ts.Stderr(),
		Getenv: func(name string) (string, bool) {
			value := ts.Getenv(name)
			return value, value != ""
		},
		Environ: func() []string { return nil },
		Now:     func() time.Time { return time.Now().Add(ahead) },
	})
	if status != 0 {
		ts.Fatalf("doctor with the clock %s ahead: exit status %d", ahead, status)
	}
}

// start NAME starts a workflow and does not wait.
func startOne(ts *testscript.TestScript, _ bool, args []string) {
	_, err := shared.server.StartWorkflow(context.Background(), model.StartWorkflowRequest{Name: args[0], Version: 1, Input: object{}})
	ts.Check(err)
}

// run NAME STATUS runs a workflow, checks its status and prints its reason.
func runToEnd(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w, err := shared.execute(ctx, model.StartWorkflowRequest{Name: args[0], Version: 1, Input: object{}})
	ts.Check(err)
	_, _ = fmt.Fprintln(ts.Stdout(), w.Reason)
	if w.Status != args[1] {
		ts.Fatalf("%s ended %s: %s", args[0], w.Status, w.Reason)
	}
}

// exitStatus is status N COMMAND [ARG...]: it runs a command and checks its exit
// status.
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
