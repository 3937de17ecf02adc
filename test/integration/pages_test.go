package integration_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"conductor-jwt/test/conductorjar"
	"conductor-jwt/test/pagetest"
)

// The commands of the operators' tutorial print what the page shows, on the shared
// server.
func TestCommandsOfTheKeysTutorial(t *testing.T) {
	page := tutorial(t, "keys-tutorial.md", shared.url())
	// Names and a domain of this run only: the server is shared, and it may still
	// serve the last poll of a worker of an earlier run.
	run := strings.ToLower(rand.Text()[:8])
	page = strings.ReplaceAll(page, "billing_run", "billing_run_"+run)
	domain := "keys-page-" + run
	page = strings.ReplaceAll(page, `"version": 1, "input": {`, `"version": 1, "taskToDomain": {"GET_SIGNED_JWT": "`+domain+`"}, "input": {`)
	pagetest.Run(t, page, 10, func(e *testscript.Env) error {
		e.Setenv("CONDUCTOR_JWT_DOMAIN", domain)
		return prepare(e)
	})
}

// The commands of the authors' tutorial print what the page shows, on a server that
// they start.
func TestCommandsOfTheFirstTutorial(t *testing.T) {
	exclusive.start.Lock()
	t.Cleanup(exclusive.start.Unlock) // after the commands, which run in parallel
	runtime, err := conductorjar.Prepare(t.Context(), shared.options(nil).Setup)
	if err != nil {
		t.Fatal(err)
	}
	address := unusedAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	page := tutorial(t, "getting-started.md", "http://"+address)
	// java starts the prepared jar in the place of the one that the page downloads.
	java := fmt.Sprintf("#!/bin/sh\nexec '%s' -Xmx384m -XX:TieredStopAtLevel=1 -jar '%s' --server.port=%s --spring.main.lazy-initialization=true\n",
		runtime.Java, runtime.Jar, port)
	pagetest.Run(t, page, 7, func(e *testscript.Env) error {
		if err := prepare(e); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(e.WorkDir, ".bin", "java"), []byte(java), 0o700)
	})
}

// The command of docs/troubleshooting.md sets the response timeout of a definition.
func TestCommandOfTroubleshooting(t *testing.T) {
	name := "troubled_" + strings.ToLower(rand.Text()[:8])
	if err := shared.server.RegisterTaskDef(t.Context(), json.RawMessage(`{"name":"`+name+`","ownerEmail":"team@example.com","retryCount":7,
		"timeoutSeconds":0,"responseTimeoutSeconds":3600}`)); err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(tutorial(t, "troubleshooting.md", shared.url()), "get_signed_jwt_1", name)
	t.Run("commands", func(t *testing.T) { pagetest.Run(t, page, 1, nil) })
	raw, err := shared.server.TaskDef(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ RetryCount, ResponseTimeoutSeconds int }
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.RetryCount != 7 || got.ResponseTimeoutSeconds != 30 {
		t.Errorf("the definition has %d retries and a response timeout of %d s, want 7 and 30", got.RetryCount, got.ResponseTimeoutSeconds)
	}
}

// tutorial returns a page with the addresses of this run.
func tutorial(t *testing.T, name, server string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(shared.root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	health := unusedAddress(t)
	return strings.NewReplacer(
		"http://localhost:8080", server,
		"conductor-jwt worker >", "CONDUCTOR_JWT_LISTEN="+health+" conductor-jwt worker >",
		"127.0.0.1:9991", health, // the default
		"127.0.0.1:9992", unusedAddress(t),
	).Replace(string(raw))
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	address, err := freeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// prepare puts the worker's binary on the PATH, and ends what a page's commands have
// left running.
func prepare(e *testscript.Env) error {
	bin := filepath.Join(e.WorkDir, ".bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return err
	}
	e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	e.Defer(func() {
		for _, name := range []string{"worker.pid", "server.pid"} {
			endProcess(filepath.Join(e.WorkDir, name))
		}
	})
	return os.Symlink(shared.binary, filepath.Join(bin, "conductor-jwt"))
}

// endProcess kills a process that a page's commands have left running.
func endProcess(pidFile string) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill() // it has probably exited
	}
}
