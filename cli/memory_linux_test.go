package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var noCoreFile = regexp.MustCompile(`(?m)^Max core file size +0 +0 +bytes`)

// permitCoreFiles raises the limit that new processes inherit and must lower.
func permitCoreFiles(t *testing.T) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
}

// mayDumpCore reports whether p may write a core file, or another process of the
// same user may read its memory, which root always may.
func mayDumpCore(t *testing.T, p *process) bool {
	t.Helper()
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid)); err == nil && os.Getuid() != 0 {
		return true
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.pid))
	if err != nil {
		t.Fatal(err)
	}
	return !noCoreFile.Match(limits)
}

// A request to a key store has a token.
func TestNoCoreFileWhileAKeyStoreIsAsked(t *testing.T) {
	_, _, env := conductor(t)
	address, asked := hangingStore(t)
	permitCoreFiles(t)
	env["CONDUCTOR_JWT_POLICY"], _ = vaultPolicy(t, address)
	p := launch(t, env, nil, "worker")
	conn := nextConn(t, asked)
	defer func() { _ = conn.Close() }()
	if mayDumpCore(t, p) {
		t.Error("core files are allowed while the worker starts")
	}
}

// Every command reads secrets, if only in its settings.
func TestNoCoreFileBeforeASecretIsRead(t *testing.T) {
	for _, args := range [][]string{
		{"worker", "--config", "FIFO"},
		{"config", "validate", "--config", "FIFO"},
		{"sign", "--key", "FIFO", "--subject", "alice"},
		{"key", "inspect", "FIFO"},
	} {
		t.Run(args[0], func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fifo")
			mkfifo(t, path)
			for i := range args {
				if args[i] == "FIFO" {
					args[i] = path
				}
			}
			permitCoreFiles(t)
			p := launch(t, nil, nil, args...)
			opened := make(chan *os.File, 1)
			go func() {
				f, _ := os.OpenFile(path, os.O_WRONLY, 0) // returns once the command reads
				opened <- f
			}()
			select {
			case f := <-opened:
				defer func() { _ = f.Close() }()
			case <-time.After(scriptWait):
				t.Fatal("the file is not read")
			}
			if mayDumpCore(t, p) {
				t.Error("core files are allowed")
			}
		})
	}
}
