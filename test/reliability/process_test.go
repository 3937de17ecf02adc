package reliability

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// binary is the program, built once a test binary.
var binary = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	return Build(context.Background(), os.Environ(), root, ".", folder)
})

// built is the worker as a process, under what is put in front of it.
func built(t *testing.T, wrapper ...string) Command {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, wrapper...), path, "worker")
	return Command{Path: args[0], Args: args[1:], Env: []string{"PATH=" + os.Getenv("PATH")}}
}
