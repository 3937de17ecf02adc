//go:build unix

package child_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"conductor-jwt/test/conductorjar/child"
)

// asParent makes the test binary start a child and wait, so that a test can kill
// it.
const asParent = "CHILD_TEST_AS_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(asParent) != "" {
		_ = child.Run(context.Background(), shell(os.Stdout, "echo $$; exec sleep 60"))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func shell(out io.Writer, script string) child.Spec {
	return child.Spec{
		Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
		Stdout: out, Stderr: out, Grace: 300 * time.Millisecond,
	}
}

// lines starts a script and returns a scanner of its output.
func lines(t *testing.T, script string) (*child.Process, *bufio.Scanner) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := child.Start(t.Context(), shell(w, script))
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, bufio.NewScanner(r)
}

func readPID(t *testing.T, s *bufio.Scanner) int {
	t.Helper()
	if !s.Scan() {
		t.Fatal("the child printed no process id")
	}
	pid, err := strconv.Atoi(s.Text())
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func awaitExit(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) && !zombie(pid) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d is still running", pid)
		}
	}
}

// zombie reports whether a process has exited and waits for its parent.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestStopSendsSIGTERMFirst(t *testing.T) {
	p, s := lines(t, `trap 'echo bye; exit 3' TERM; echo $$; while :; do sleep 0.05; done`)
	readPID(t, s)
	if err := p.Stop(t.Context()); err == nil {
		t.Error("Stop = nil, want the exit status 3 as an error")
	}
	if got := p.ExitCode(); got != 3 {
		t.Errorf("exit status = %d, want 3: the trap ran", got)
	}
}

func TestStopKillsAProcessThatIgnoresSIGTERM(t *testing.T) {
	p, s := lines(t, `trap '' TERM; echo $$; while :; do sleep 0.05; done`)
	pid := readPID(t, s)
	if err := p.Stop(t.Context()); err == nil {
		t.Error("Stop = nil, want the kill as an error")
	}
	awaitExit(t, pid)
}

func TestGrandchildrenEndWithTheirParent(t *testing.T) {
	p, s := lines(t, `sleep 60 >/dev/null 2>&1 & echo $!; exit 0`)
	pid := readPID(t, s)
	<-p.Done()
	if p.Err() != nil {
		t.Errorf("Err = %v, want nil", p.Err())
	}
	awaitExit(t, pid)
}

func TestCancelledContextEndsTheChild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	ended := make(chan error, 1)
	go func() { ended <- child.Run(ctx, shell(w, "echo $$; exec sleep 60")) }()
	pid := readPID(t, bufio.NewScanner(r))
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	awaitExit(t, pid)
}

func TestEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("CHILD_TEST_SECRET", "inherited")
	spec := shell(nil, "echo ${CHILD_TEST_SECRET:-unset}")
	spec.Env = nil
	out, err := child.Output(t.Context(), spec)
	if err != nil || out != "unset\n" {
		t.Errorf("Output = %q, %v; want unset", out, err)
	}
}

func TestLookUsesThePATHOfItsArgument(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/tool", []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/text", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/nowhere:" + folder}
	if path, err := child.Look(env, "tool"); err != nil || path != folder+"/tool" {
		t.Errorf("Look(tool) = %q, %v; want %s/tool", path, err, folder)
	}
	if _, err := child.Look(env, "text"); !errors.Is(err, child.ErrNotFound) {
		t.Errorf("Look(text) = %v, want ErrNotFound: it cannot be run", err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	tail := child.NewTail(8)
	for _, s := range []string{"one\n", "two\n", "three\n"} {
		if n, err := tail.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatalf("Write = %d, %v; want %d", n, err, len(s))
		}
	}
	if got := tail.String(); got != "o\nthree\n" {
		t.Errorf("String = %q, want the last 8 bytes", got)
	}
	if got := tail.Lines(1); got != "three" {
		t.Errorf("Lines(1) = %q, want three", got)
	}
}
