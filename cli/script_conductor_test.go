package cli_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// scriptWait is long enough for a busy machine.
const scriptWait = time.Minute

// status STATUS COMMAND … runs a command and checks its exit status. Its output can
// be matched as after exec.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status STATUS COMMAND [ARG …]")
	}
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

// ledgers are the running conductors, by script.
var ledgers sync.Map

// testKey is an Ed25519 key for all scripts of a test binary.
var testKey = sync.OnceValue(func() string {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

// startConductor serves a ledger over HTTP, with a key as its secret `jwt`, and sets
// the worker's variables to it.
func startConductor(ts *testscript.TestScript, _ bool, args []string) {
	l := conductortest.NewLedger(conductortest.Options{})
	o := conductortest.ServerOptions{}
	if slices.Contains(args, "-auth") {
		o.KeyID, o.Secret = "id", "a-secret-of-the-server"
	}
	s := conductortest.NewServer(l, o)
	ts.Check(s.Up())
	ts.Defer(s.Down)
	if slices.Contains(args, "-gateway") {
		s.URL = startGateway(ts, s.URL)
	}
	l.SetSecret("jwt", testKey())
	ts.Setenv("CONDUCTOR_SERVER_URL", s.URL)
	ts.Setenv("CONDUCTOR_JWT_POLL_TIMEOUT", "300ms") // a poll in flight is waited for
	ledgers.Store(ts, l)
	ts.Defer(func() { ledgers.Delete(ts) })
}

// startGateway starts a gateway before a server, which requires the header
// Pass: open.
func startGateway(ts *testscript.TestScript, server string) string {
	target, err := url.Parse(server)
	ts.Check(err)
	next := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Pass") != "open" {
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}))
	ts.Defer(gateway.Close)
	return gateway.URL + target.Path
}

func ledgerOf(ts *testscript.TestScript) *conductortest.Ledger {
	l, ok := ledgers.Load(ts)
	if !ok {
		ts.Fatalf("no conductor is running")
	}
	ledger, ok := l.(*conductortest.Ledger)
	if !ok {
		ts.Fatalf("not a ledger")
	}
	return ledger
}

// enqueue N [INPUT [TYPE]] starts N tasks.
func enqueue(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	template := `{"subject":"alice","privateKey":"${workflow.secrets.jwt}"}`
	if len(args) > 1 {
		template = args[1]
	}
	taskType := "GET_SIGNED_JWT"
	if len(args) > 2 {
		taskType = args[2]
	}
	for range n {
		ledgerOf(ts).Enqueue(conductortest.TaskSpec{
			Type: taskType, Name: strings.ToLower(taskType), Template: json.RawMessage(template),
		})
	}
}

// await N STATUS waits until N tasks have it.
func await(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	l := ledgerOf(ts)
	ctx, cancel := context.WithTimeout(context.Background(), scriptWait)
	defer cancel()
	err = l.WaitFor(ctx, func() bool { return l.Counts()[api.Status(args[1])] >= n })
	if err != nil {
		ts.Fatalf("after %s: %v", scriptWait, l.Counts())
	}
}

// asked CALL waits until the server has had this call.
func asked(ts *testscript.TestScript, _ bool, args []string) {
	l := ledgerOf(ts)
	ctx, cancel := context.WithTimeout(context.Background(), scriptWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for l.Calls(args[0]) == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("the server was not asked for %s", args[0])
		}
	}
}

// sigterm sends SIGTERM to every background command; kill cannot.
func sigterm(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}

// sighup sends SIGHUP to every background command.
func sighup(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGHUP))
	}
}

// reason N TEXT … waits until task N has a reason for its failure, and checks that
// it has each text; with ! in front, none of them.
func reason(ts *testscript.TestScript, neg bool, args []string) {
	l := ledgerOf(ts)
	var got string
	ctx, cancel := context.WithTimeout(context.Background(), scriptWait)
	defer cancel()
	ts.Check(l.WaitFor(ctx, func() bool {
		last, _ := l.Last("task-" + args[0])
		got = last.Reason
		return got != ""
	}))
	for _, text := range args[1:] {
		if strings.Contains(got, text) == neg {
			ts.Fatalf("its reason is %s", got)
		}
	}
}

// settled checks the end of every delivery.
func settled(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(ledgerOf(ts).Check()) }

// free NAME … sets each variable to a loopback address that is free.
func freePort(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		var config net.ListenConfig
		listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
		ts.Check(err)
		defer func() { ts.Check(listener.Close()) }()
		ts.Setenv(name, listener.Addr().String())
	}
}

// get STATUS URL [TEXT …] requests the URL until the answer has this status and each
// text; with ! in front none of the texts.
func get(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), scriptWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last string
	for {
		code, body, err := askOnce(ctx, args[1])
		last = fmt.Sprintf("status %d, %v, body %.2000s", code, err, body)
		if err == nil && strconv.Itoa(code) == args[0] && !slices.ContainsFunc(args[2:], func(text string) bool {
			return strings.Contains(body, text) == neg
		}) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%s: %s", args[1], last)
		}
	}
}

// askOnce makes one request with a short timeout.
func askOnce(ctx context.Context, url string) (code int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, scriptWait/6)
	defer cancel()
	return conductortest.Get(ctx, url)
}

// taskdef JSON adds a task definition.
func taskdef(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ledgerOf(ts).PutTaskDef(json.RawMessage(args[0])))
}

// workflows JSON sets the workflow definitions that the server lists.
func workflows(ts *testscript.TestScript, _ bool, args []string) {
	ledgerOf(ts).SetWorkflows(json.RawMessage(args[0]))
}
