//go:build unix

package cli_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"conductor-jwt/test/conductortest"
)

// launch starts a process, for signals and closed pipes.
func launch(t *testing.T, env map[string]string, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	p := &process{status: make(chan int, 1)}
	cmd := exec.CommandContext(t.Context(), "conductor-jwt", args...)
	cmd.Env = append(pairs(env), "PATH="+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = &p.out, &p.err
	if prepare != nil {
		prepare(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait() // its status tells
		p.status <- cmd.ProcessState.ExitCode()
	}()
	return p
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(p.pid, s); err != nil {
		t.Fatal(err)
	}
}

// hangingStore is a key store that accepts connections and never answers. It sends
// each to asked; closing one fails its request.
func hangingStore(t *testing.T) (address string, asked <-chan net.Conn) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections := make(chan net.Conn, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				close(connections)
				return
			}
			connections <- conn
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		for conn := range connections {
			_ = conn.Close()
		}
	})
	return "http://" + listener.Addr().String(), connections
}

// vaultPolicy writes a policy with a key of a Vault, and the file of the token
// for it.
func vaultPolicy(t *testing.T, address string) (policy, token string) {
	t.Helper()
	folder := t.TempDir()
	policy, token = filepath.Join(folder, "policy.yaml"), filepath.Join(folder, "token")
	writeTo(t, token, "hvs.one-that-is-made-up")
	writeTo(t, policy, fmt.Sprintf("vault: {address: %q, login: {token_file: %q}}\nkeys: {billing: {source: \"vault-transit://transit/billing\"}}\n", address, token))
	return policy, token
}

func writeTo(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fifo replaces a file by a FIFO.
func fifo(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mkfifo(t, path)
}

func mkfifo(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

func nextConn(t *testing.T, asked <-chan net.Conn) net.Conn {
	t.Helper()
	select {
	case conn := <-asked:
		return conn
	case <-time.After(scriptWait):
		t.Fatal("the key store is not asked")
		return nil
	}
}

// The token of a store may be a FIFO when it is read again.
func TestAFIFOInPlaceOfATokenDoesNotHoldUpTheEnd(t *testing.T) {
	_, _, env := conductor(t)
	policy, token := vaultPolicy(t, "http://127.0.0.1:1")
	env["CONDUCTOR_JWT_POLICY"] = policy
	p := start(t, env, "worker")
	p.address(t)
	fifo(t, token)
	p.reloads <- syscall.SIGHUP
	p.says(t, "it is not a regular file")
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
}

// A FIFO with a writer that writes nothing is like a file server that does not answer.
func TestAReloadThatHangsDoesNotHoldUpTheEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		signals int
		status  int
	}{
		{"one signal ends the worker while a reload hangs", 1, 0},
		{"a second signal ends it at once", 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, env := conductor(t)
			policy, _ := vaultPolicy(t, "http://127.0.0.1:1")
			env["CONDUCTOR_JWT_POLICY"] = policy
			p := start(t, env, "worker")
			p.address(t)
			fifo(t, policy)
			p.reloads <- syscall.SIGHUP
			writer, err := os.OpenFile(policy, os.O_WRONLY, 0) // returns once the reload reads
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = writer.Close() }()
			for range c.signals {
				p.signals <- syscall.SIGTERM
			}
			p.ends(t, c.status)
		})
	}
}

// A worker that has polled no task has nothing to wait for.
func TestASignalDuringTheStartEndsIt(t *testing.T) {
	l, _, env := conductor(t)
	address, asked := hangingStore(t)
	env["CONDUCTOR_JWT_POLICY"], _ = vaultPolicy(t, address)
	p := start(t, env, "worker")
	conn := nextConn(t, asked)
	defer func() { _ = conn.Close() }()
	p.signals <- syscall.SIGTERM
	p.ends(t, 0)
	if n := l.Calls("poll"); n > 0 {
		t.Errorf("%d polls after the signal", n)
	}
	if strings.Contains(p.err.String(), "health and metrics are served") {
		t.Errorf("the start goes on after the signal:\n%s", p.err.String())
	}
}

// The log may be rotated at any time.
func TestSIGHUPNeverEndsAWorker(t *testing.T) {
	l, _, env := conductor(t)
	address, asked := hangingStore(t)
	env["CONDUCTOR_JWT_POLICY"], _ = vaultPolicy(t, address)
	l.SetSecret("jwt", testKey())
	l.SetFaults(conductortest.Plan(1, conductortest.Rule{Call: "update", Times: 3, Fault: conductortest.Fault{Status: 503}}))
	p := launch(t, env, nil, "worker")
	conn := nextConn(t, asked)
	p.signal(t, syscall.SIGHUP)
	_ = conn.Close() // the start goes on
	p.says(t, "health and metrics are served")
	add(l, `{"subject":"alice","privateKey":"${workflow.secrets.jwt}"}`)
	waitFor(t, l, "the task is taken", func() bool { return l.Calls("update") > 0 })
	p.signal(t, syscall.SIGTERM)
	p.says(t, "draining")
	p.signal(t, syscall.SIGHUP)
	p.ends(t, 0)
}

// The reader of the log, or of the audit, may end.
func TestAWorkerOutlivesTheReaderOfItsLog(t *testing.T) {
	l, _, env := conductor(t)
	l.SetSecret("jwt", testKey())
	env["LOG_LEVEL"], env["CONDUCTOR_JWT_AUDIT"] = "debug", "stdout"
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	p := launch(t, env, func(cmd *exec.Cmd) { cmd.Stdout, cmd.Stderr = writer, writer }, "worker", "--log-level", "debug")
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		add(l, `{"subject":"alice","privateKey":"${workflow.secrets.jwt}"}`)
	}
	waitFor(t, l, "every task ends", ended(l, 5))
	p.signal(t, syscall.SIGTERM)
	p.ends(t, 0)
}

// A command in a pipeline ends as usual when its reader ends.
func TestACommandEndsWithItsReader(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	p := launch(t, nil, func(cmd *exec.Cmd) { cmd.Stdout = writer }, "--help")
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	p.ends(t, -1) // by the signal
}

// A FIFO without a reader does not delay the worker.
func TestAnAuditThatIsAFIFOIsNotWaitedFor(t *testing.T) {
	_, _, env := conductor(t)
	path := filepath.Join(t.TempDir(), "audit")
	mkfifo(t, path)
	env["CONDUCTOR_JWT_AUDIT"] = path
	p := start(t, env, "worker")
	p.ends(t, 2)
	if !strings.Contains(p.err.String(), "cannot be opened for writing") {
		t.Errorf("standard error:\n%s", p.err.String())
	}
}

// Files that are read again while the worker runs must be regular.
func TestAFIFOInPlaceOfAFileHoldsUpNothing(t *testing.T) {
	for _, c := range []struct {
		name, variable, policy string
		starts                 bool
	}{
		{name: "the ca of the server", variable: "CONDUCTOR_TLS_CA_CERT"},
		{name: "the ca of a vault", policy: `vault: {address: "https://127.0.0.1:1", ca_file: "FIFO", login: {token_file: "FIFO"}}
keys: {a: {source: "vault-transit://transit/a"}}`},
		{name: "the token of a vault", policy: `vault: {address: "http://127.0.0.1:1", login: {token_file: "FIFO"}}
keys: {a: {source: "vault-transit://transit/a"}}`, starts: true},
		{name: "the token of kubernetes", policy: `vault: {address: "http://127.0.0.1:1", login: {kubernetes: {role: r, token_file: "FIFO"}}}
keys: {a: {source: "vault-transit://transit/a"}}`, starts: true},
		{name: "the secret id of an app role", policy: `vault: {address: "http://127.0.0.1:1", login: {approle: {role_id: r, secret_id_file: "FIFO"}}}
keys: {a: {source: "vault-transit://transit/a"}}`, starts: true},
		{name: "the credentials of google", policy: `google: {credentials_file: "FIFO"}
keys: {a: {source: "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k"}}`, starts: true},
		{name: "a key", policy: `keys: {a: {source: "file://FIFO"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, env := conductor(t)
			folder := t.TempDir()
			path := filepath.Join(folder, "fifo")
			mkfifo(t, path)
			if c.variable != "" {
				env[c.variable] = path
			}
			if c.policy != "" {
				env["CONDUCTOR_JWT_POLICY"] = filepath.Join(folder, "policy.yaml")
				writeTo(t, env["CONDUCTOR_JWT_POLICY"], strings.ReplaceAll(c.policy, "FIFO", path))
			}
			p := start(t, env, "worker")
			if c.starts {
				p.says(t, "health and metrics are served")
				p.signals <- syscall.SIGTERM
				p.ends(t, 0)
				return
			}
			select {
			case status := <-p.status:
				if status == 0 {
					t.Error("exit status 0")
				}
			case <-time.After(scriptWait):
				t.Fatal("the start waits")
			}
		})
	}
}
