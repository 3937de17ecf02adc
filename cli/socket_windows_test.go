package cli_test

import (
	"os"
	"testing"
)

// socket is a pipe here: no process on Windows inherits a socket as its
// standard input.
func socket(t *testing.T, input []byte) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	go func() { _, _ = w.Write(input); _ = w.Close() }()
	return r
}
