package integration_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"conductor-jwt/test/conductorjar/child"
)

// demo starts the program of "make demo". It returns the folder of its temporary
// files.
func (s *testbed) demo(ctx context.Context, t *testing.T, env ...string) (p *child.Process, out *child.Tail, temp string) {
	t.Helper()
	binary, err := s.build(ctx, "./internal/demo")
	if err != nil {
		t.Fatal(err)
	}
	temp, out = t.TempDir(), child.NewTail(1<<20)
	p, err = child.Start(ctx, child.Spec{
		Path: binary, Dir: s.root, Stdout: out, Stderr: out, Grace: 30 * time.Second,
		Env: append(os.Environ(), append(env, "WORKER="+s.binary, "TMPDIR="+temp)...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, out, temp
}

// checkNothingLeft checks that there are no files in temp and no processes that
// use it.
func checkNothingLeft(t *testing.T, temp string) {
	t.Helper()
	files, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Errorf("the demo left the file %s", file.Name())
	}
	if runtime.GOOS != "linux" {
		return
	}
	// The only error is a malformed pattern, which this is not.
	processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, cmdline := range processes {
		line, err := os.ReadFile(cmdline)
		if err == nil && strings.Contains(string(line), temp) {
			t.Errorf("a process of the demo is still running: %q", line)
		}
	}
}

func TestDemoWithPortsInUse(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	for _, address := range []string{"127.0.0.1:8080", "127.0.0.1:9991"} {
		// If it fails, the port is in use already.
		if listener, err := config.Listen(t.Context(), "tcp", address); err == nil {
			defer func() { _ = listener.Close() }()
		}
	}
	p, out, temp := shared.demo(t.Context(), t)
	<-p.Done()
	if p.Err() != nil {
		t.Fatalf("the demo exits with %v:\n%s", p.Err(), out)
	}
	for _, want := range []string{"port 8080 is in use", "COMPLETED", "header", "claims", `"sub": "orders-service"`, "go-jose", "where to look next"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not show %q:\n%s", want, out)
		}
	}
	checkNothingLeft(t, temp)
}

func TestInterruptedDemoCleansUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, out, temp := shared.demo(ctx, t)
	err := poll(ctx, 20*time.Millisecond, func() (bool, error) {
		return strings.Contains(out.String(), "starting conductor-server"), nil
	})
	if err != nil {
		t.Fatalf("the demo does not start the server: %v\n%s", err, out)
	}
	if err := p.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := p.ExitCode(); got != 130 {
		t.Errorf("exit status = %d, want 130\n%s", got, out)
	}
	checkNothingLeft(t, temp)
}
