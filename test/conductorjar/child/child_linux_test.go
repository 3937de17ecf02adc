package child_test

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
)

// On Linux a child dies with the program that started it, even when that
// program is killed and can clean nothing up.
func TestKilledParentTakesItsChildAlong(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), asParent+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := readPID(t, bufio.NewScanner(out))
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Wait reports the kill, which was the point.
	_ = parent.Wait()
	awaitGone(t, pid)
}
