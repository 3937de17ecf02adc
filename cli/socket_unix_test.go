//go:build !windows

package cli_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// socket returns a standard input of the kind that node's spawn makes.
func socket(t *testing.T, input []byte) *os.File {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(ends[0]), "ours"), os.NewFile(uintptr(ends[1]), "theirs")
	t.Cleanup(func() { _ = theirs.Close() })
	if _, err := ours.Write(input); err != nil {
		t.Fatal(err)
	}
	if err := ours.Close(); err != nil {
		t.Fatal(err)
	}
	return theirs
}
