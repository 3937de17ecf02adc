package readfile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/readfile"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLimit(t *testing.T) {
	path := write(t, "12345")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		path  string
		limit int
		want  string
	}{
		{"a file as long as the limit", path, 5, "12345"},
		{"a longer file: one byte more", path, 3, "1234"},
		{"a symbolic link", link, 9, "12345"},
		{"a byte order mark", write(t, "\ufeff12\ufeff"), 9, "12\ufeff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, read := range []func(context.Context, string, int) ([]byte, error){
				readfile.Regular, readfile.Any,
				func(_ context.Context, path string, limit int) ([]byte, error) { return readfile.Shared(path, limit) },
			} {
				if got, err := read(t.Context(), c.path, c.limit); err != nil || string(got) != c.want {
					t.Errorf("%q, %v; want %q", got, err, c.want)
				}
			}
		})
	}
}

func TestRegularErrors(t *testing.T) {
	for _, path := range []string{t.TempDir(), os.DevNull} {
		if _, err := readfile.Regular(t.Context(), path, 9); !errors.Is(err, readfile.ErrNotRegular) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := readfile.Regular(t.Context(), filepath.Join(t.TempDir(), "none"), 9); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// A file server that does not answer blocks a call forever.
func TestWithinTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		defer close(back)
		hang := func() (int, error) { <-back; return 0, nil }
		began := time.Now()
		if _, err := readfile.Within(t.Context(), hang); !errors.Is(err, readfile.ErrTimeout) {
			t.Errorf("after the timeout: %v", err)
		}
		if d := time.Since(began); d != readfile.Timeout {
			t.Errorf("returned after %s, want %s", d, readfile.Timeout)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := readfile.Within(ctx, hang); !errors.Is(err, readfile.ErrTimeout) {
			t.Errorf("after the context: %v", err)
		}
		if d := time.Since(began); d != readfile.Timeout+time.Second {
			t.Errorf("returned %s after the context began, want 1s", d-readfile.Timeout)
		}
	})
}
