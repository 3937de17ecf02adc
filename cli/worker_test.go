package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"conductor-jwt/cli"
	"conductor-jwt/conductor/api"
	"conductor-jwt/test/conductortest"
)

// process is a command line that runs in this process.
type process struct {
	out, err output
	signals  chan os.Signal
	reloads  chan os.Signal
	status   chan int
	pid      int // of a process of its own
}

// output may be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func start(t *testing.T, env map[string]string, args ...string) *process {
	t.Helper()
	return startWith(t, env, func(p *process) io.Writer { return &p.err }, args...)
}

func startWith(t *testing.T, env map[string]string, stderr func(*process) io.Writer, args ...string) *process {
	t.Helper()
	p := &process{signals: make(chan os.Signal, 2), reloads: make(chan os.Signal, 1), status: make(chan int, 1)}
	e := cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &p.out, Stderr: stderr(p), Now: time.Now, Version: "v0.0.0-test",
		Getenv:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Environ: func() []string { return pairs(env) },
		Signals: func() (<-chan os.Signal, func()) { return p.signals, func() {} },
		Reloads: func() (<-chan os.Signal, func()) { return p.reloads, func() {} },
	}
	go func() { p.status <- cli.Run(context.Background(), e) }()
	return p
}

func pairs(env map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// ends waits for the exit status.
func (p *process) ends(t *testing.T, want int) {
	t.Helper()
	select {
	case got := <-p.status:
		if got != want {
			t.Errorf("exit status %d, want %d; its standard error:\n%s", got, want, p.err.String())
		}
	case <-time.After(scriptWait):
		t.Fatalf("still running after %s; its standard error:\n%s", scriptWait, p.err.String())
	}
}

// says waits until a text is in the log.
func (p *process) says(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(scriptWait)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if strings.Contains(p.err.String(), text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("does not say %q:\n%s", text, p.err.String())
		}
	}
}

// address returns the address of health and metrics in the log.
func (p *process) address(t *testing.T) string {
	t.Helper()
	p.says(t, "health and metrics are served")
	for line := range strings.SplitSeq(p.err.String(), "\n") {
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "health and metrics are served" {
			return "http://" + entry.Address
		}
	}
	t.Fatal("no address in the log")
	return ""
}

func page(t *testing.T, url string) string {
	t.Helper()
	_, body, err := conductortest.Get(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// conductor serves a ledger over HTTP; it returns the worker's variables for it.
func conductor(t *testing.T) (*conductortest.Ledger, *conductortest.Server, map[string]string) {
	t.Helper()
	l := conductortest.NewLedger(conductortest.Options{})
	s := conductortest.Serve(t, l, nil)
	return l, s, map[string]string{
		"CONDUCTOR_SERVER_URL": s.URL, "CONDUCTOR_JWT_LISTEN": "127.0.0.1:0", "CONDUCTOR_JWT_POLL_TIMEOUT": "300ms",
		"LOG_FORMAT": "json",
	}
}

func add(l *conductortest.Ledger, template string) {
	l.Enqueue(conductortest.TaskSpec{Type: "GET_SIGNED_JWT", Name: "get_signed_jwt", Template: json.RawMessage(template)})
}

func waitFor(t *testing.T, l *conductortest.Ledger, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptWait)
	defer cancel()
	if err := l.WaitFor(ctx, done); err != nil {
		t.Fatalf("%s: %v; %v", what, err, l.Counts())
	}
}

func ended(l *conductortest.Ledger, n int) func() bool {
	return func() bool {
		c := l.Counts()
		return c[api.Completed]+c[api.FailedWithTerminalError] >= n
	}
}

// No key, password, secret or token is in the log, the metrics, the pages or what
// the server gets, at level debug, whether the task succeeds or fails.
func TestAWorkerTellsNoSecret(t *testing.T) {
	l, _, env := conductor(t)
	env["LOG_LEVEL"] = "debug"
	canary, tokens := conductortest.NewCanary(), conductortest.NewCanary()
	n := 0
	enqueue := func(template string) { add(l, template); n++ }
	for i, key := range conductortest.FreshKeys(t) {
		name := fmt.Sprintf("key-%d", i)
		canary.PlantKey(key.String(), key)
		l.SetSecret(name, key.Text)
		ref := "${workflow.secrets." + name + "}"
		enqueue(fmt.Sprintf(`{"subject":"alice","algorithm":%q,"privateKey":%q}`, key.Algorithm, ref))
		enqueue(fmt.Sprintf(`{"subject":%q,"algorithm":%q,"privateKey":%q}`, ref, key.Algorithm, ref))
		enqueue(fmt.Sprintf(`{"algorithm":%q,"privateKey":"${workflow.secrets.%s}"}`, ref, name))
		enqueue(fmt.Sprintf(`{"ttlInSecond":%q,"privateKey":%q,%q:1}`, ref, "x"+ref, "privatekey"))
	}
	canary.PlantText("the password", "correct-horse-battery")
	l.SetSecret("password", "correct-horse-battery")
	enqueue(`{"privateKey":"${workflow.secrets.password}","privateKeyPassword":"${workflow.secrets.password}"}`)

	p := start(t, env, "worker")
	url := p.address(t)
	waitFor(t, l, "every task ends", ended(l, n))
	pages := map[string]string{
		"/metrics": page(t, url+"/metrics"), "/readyz?verbose": page(t, url+"/readyz?verbose"), "/livez": page(t, url+"/livez"),
	}
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
	for _, task := range l.Tasks() {
		var out struct{ Token string }
		if json.Unmarshal(task.Output, &out) == nil && out.Token != "" {
			tail := max(0, len(out.Token)-64) // of the signature: an ML-DSA token is long
			tokens.PlantText("the token of "+task.ID, out.Token[tail:])
		}
	}
	if done := l.Counts()[api.Completed]; done == 0 || done == n {
		t.Errorf("%d of %d tasks are completed: one of the two kinds is missing", done, n)
	}
	pages["the log"], pages["standard output"] = p.err.String(), p.out.String()
	for where, text := range pages {
		canary.Check(t, where, []byte(text))
		tokens.Check(t, where, []byte(text))
	}
	canary.CheckLedger(t, l)
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

// SIGTERM under load: exit status 0, no task in flight is left.
func TestATermSignalDrains(t *testing.T) {
	l, _, env := conductor(t)
	l.SetSecret("jwt", testKey())
	for range 150 {
		add(l, `{"subject":"alice","privateKey":"${workflow.secrets.jwt}"}`)
	}
	p := start(t, env, "worker", "--slots", "4")
	url := p.address(t)
	waitFor(t, l, "some tasks end", ended(l, 20))
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	if n := l.Counts()[api.InProgress]; n != 0 {
		t.Errorf("%d tasks are left in progress", n)
	}
	if _, _, err := conductortest.Get(t.Context(), url+"/livez"); err == nil {
		t.Error("health is still served")
	}
	p = start(t, env, "worker")
	waitFor(t, l, "the next worker does the rest", ended(l, 150))
	p.signals <- syscall.SIGINT
	p.ends(t, 0)
}

// While it drains, a worker is not ready, and a second signal ends it at once.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	l, s, env := conductor(t)
	l.SetSecret("jwt", testKey())
	l.SetFaults(func(c conductortest.Call) conductortest.Fault {
		if c.Name == "update" {
			return conductortest.Fault{Status: 503}
		}
		return conductortest.Fault{}
	})
	add(l, `{"subject":"alice","privateKey":"${workflow.secrets.jwt}"}`)
	p := start(t, env, "worker")
	url := p.address(t)
	waitFor(t, l, "the task is taken", func() bool { return l.Counts()[api.InProgress] == 1 })
	p.signals <- syscall.SIGTERM
	p.says(t, "draining")
	if status, body, err := conductortest.Get(t.Context(), url+"/readyz"); err != nil || status != 503 || body != "not ready: draining\n" {
		t.Errorf("%d %q %v", status, body, err)
	}
	p.signals <- syscall.SIGTERM
	p.ends(t, 1)
	if !strings.Contains(p.err.String(), "error: stopped at once by a second signal") {
		t.Errorf("standard error:\n%s", p.err.String())
	}
	s.Down()
}

// blockable is a standard error that can block, as a pipe without a reader does.
type blockable struct {
	*output
	blocked atomic.Bool
	until   <-chan struct{}
}

func (b *blockable) Write(p []byte) (int, error) {
	if b.blocked.Load() {
		<-b.until
	}
	return b.output.Write(p)
}

// A log without a reader must not delay a signal.
func TestASecondSignalEndsAWorkerWhoseLogIsBlocked(t *testing.T) {
	l, _, env := conductor(t)
	stderr := &blockable{until: t.Context().Done()}
	p := startWith(t, env, func(p *process) io.Writer {
		stderr.output = &p.err
		return stderr
	}, "worker")
	// A worker that has not polled yet ends at the first signal, without a line.
	waitFor(t, l, "the worker polls", func() bool { return l.Calls("poll") > 0 })
	stderr.blocked.Store(true)
	p.signals <- syscall.SIGTERM
	p.signals <- syscall.SIGTERM
	p.ends(t, 1)
}

// Without the server the drain ends, with exit status 1.
func TestADrainWithoutAServerFails(t *testing.T) {
	l, s, env := conductor(t)
	l.SetSecret("jwt", testKey())
	l.SetFaults(func(c conductortest.Call) conductortest.Fault {
		if c.Name == "update" {
			return conductortest.Fault{Status: 503}
		}
		return conductortest.Fault{}
	})
	env["CONDUCTOR_JWT_DRAIN_TIMEOUT"] = "100ms"
	add(l, `{"subject":"alice","privateKey":"${workflow.secrets.jwt}"}`)
	p := start(t, env, "worker")
	waitFor(t, l, "a result is in hand that the server does not take", func() bool { return l.Calls("update") > 0 })
	s.Down()
	p.signals <- syscall.SIGTERM
	p.ends(t, 1)
	if !strings.Contains(p.err.String(), "error: worker: 1 tasks in flight") {
		t.Errorf("standard error:\n%s", p.err.String())
	}
}

// A default port that is in use is replaced, so that two workers can run on one
// machine.
func TestATakenDefaultPortIsNoReasonToEnd(t *testing.T) {
	_, _, env := conductor(t)
	delete(env, "CONDUCTOR_JWT_LISTEN")
	var config net.ListenConfig
	// If this fails, another process has the port, which is sufficient.
	if listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:9991"); err == nil {
		t.Cleanup(func() { _ = listener.Close() })
	}
	p := start(t, env, "worker")
	url := p.address(t)
	if strings.HasSuffix(url, ":9991") {
		t.Errorf("listens on %s", url)
	}
	page(t, url+"/livez")
	p.says(t, "the default one is not available")
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
}

func TestWhatIsUnsafeIsSaidOnce(t *testing.T) {
	_, s, env := conductor(t)
	p := start(t, env, "worker")
	p.address(t)
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
	if strings.Contains(p.err.String(), "plain HTTP") {
		t.Error("warns of plain HTTP over loopback")
	}

	// The unspecified address reaches this host, but is not loopback.
	env["CONDUCTOR_SERVER_URL"] = strings.Replace(s.URL, "127.0.0.1", "0.0.0.0", 1)
	env["CONDUCTOR_TLS_INSECURE_SKIP_VERIFY"] = "true"
	env["CONDUCTOR_JWT_THREADS"] = "3"
	p = start(t, env, "worker")
	p.address(t)
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
	for _, text := range []string{"is plain HTTP", "certificate is not checked", "CONDUCTOR_JWT_THREADS"} {
		if strings.Count(p.err.String(), text) != 1 {
			t.Errorf("does not say %q once:\n%s", text, p.err.String())
		}
	}
}

func TestAReloadWithoutAPolicySaysThatThereIsNone(t *testing.T) {
	_, _, env := conductor(t)
	p := start(t, env, "worker")
	p.address(t)
	p.reloads <- syscall.SIGHUP
	p.says(t, "there is no policy to read again")
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
}

// A proxy of the usual variables is used, and its password is not logged.
func TestTheUsualProxyVariablesAreObeyed(t *testing.T) {
	l, s, env := conductor(t)
	l.SetSecret("jwt", testKey())
	add(l, `{"subject":"alice","privateKey":"${workflow.secrets.jwt}"}`)
	env["CONDUCTOR_SERVER_URL"] = "http://conductor.invalid"
	env["HTTP_PROXY"] = strings.Replace(s.URL, "://", "://user:hunter2hunter2@", 1)
	p := start(t, env, "worker")
	waitFor(t, l, "the task ends", ended(l, 1))
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
	if strings.Contains(p.err.String(), "hunter2") {
		t.Error("the log tells the proxy's password")
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	func() {
		l := conductortest.NewLedger(conductortest.Options{})
		s := conductortest.NewServer(l, conductortest.ServerOptions{})
		if err := s.Up(); err != nil {
			t.Fatal(err)
		}
		defer s.Down()
		p := start(t, map[string]string{
			"CONDUCTOR_SERVER_URL": s.URL, "CONDUCTOR_JWT_LISTEN": "127.0.0.1:0", "CONDUCTOR_JWT_POLL_TIMEOUT": "100ms", "LOG_FORMAT": "json",
		}, "worker")
		page(t, p.address(t)+"/metrics")
		p.signals <- syscall.SIGTERM
		p.ends(t, 0)
	}()
	goleak.VerifyNone(t, before)
}
