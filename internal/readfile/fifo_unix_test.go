//go:build unix

package readfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"conductor-jwt/internal/readfile"
)

func TestRegularDoesNotWaitForFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readfile.Regular(t.Context(), path, 9); !errors.Is(err, readfile.ErrNotRegular) {
		t.Errorf("%v", err)
	}
}

func TestAnyReadsPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(path, []byte("settings"), 0) }() // waits for its reader
	if got, err := readfile.Any(t.Context(), path, 99); err != nil || string(got) != "settings" {
		t.Errorf("%q, %v", got, err)
	}
}
