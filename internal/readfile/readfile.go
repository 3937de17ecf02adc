// Package readfile reads the files that an operator names, each within a
// timeout: reading a FIFO without a writer, or from a file server that does not
// answer, would otherwise block forever.
package readfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Timeout is the maximum duration of one read.
const Timeout = 5 * time.Second

// Errors of this package; all others are the system's.
var (
	ErrNotRegular = errors.New("not a regular file") // a folder, a FIFO, a socket or a device
	ErrTimeout    = errors.New("not read in time")   // or its context ended
)

// Reason says why a file could not be read. It does not name the path, which may
// be a secret that was set in the wrong variable.
func Reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "the file may not be read by this user"
	case errors.Is(err, ErrNotRegular):
		return "it is not a regular file"
	}
	return "the file cannot be read"
}

// Regular returns the contents of a regular file, or of the one to which a
// symbolic link leads. It reads at most limit+1 bytes, so that the caller
// detects a file that is too long. It is for files that are read while the
// worker runs.
func Regular(ctx context.Context, path string, limit int) ([]byte, error) {
	return Within(ctx, func() ([]byte, error) { return regular(path, limit) })
}

// Shared is Regular for a file that several callers share, none of which may
// cancel the read.
func Shared(path string, limit int) ([]byte, error) {
	return within(nil, func() ([]byte, error) { return regular(path, limit) })
}

func regular(path string, limit int) ([]byte, error) {
	flags := os.O_RDONLY
	if runtime.GOOS != "windows" {
		flags |= syscall.O_NONBLOCK // otherwise, opening a FIFO waits for a writer
	}
	f, err := os.OpenFile(path, flags, 0) //nolint:gosec // the operator names it, never a task
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	return read(f, limit)
}

// Any is Regular for a file that is read once, at the start, and may also be a
// pipe of the shell, such as <(command), or a device.
func Any(ctx context.Context, path string, limit int) ([]byte, error) {
	return Within(ctx, func() ([]byte, error) {
		f, err := os.Open(path) //nolint:gosec // the operator names it, never a task
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read
		return read(f, limit)
	})
}

// ByteOrderMark is what some editors write at the start of UTF-8 text.
const ByteOrderMark = "\ufeff"

// read drops a byte order mark. No binary file that is read here begins with
// one.
func read(f *os.File, limit int) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	return bytes.TrimPrefix(text, []byte(ByteOrderMark)), err
}

// Stat is [os.Stat] with a timeout.
func Stat(path string) (os.FileInfo, error) {
	return within(nil, func() (os.FileInfo, error) { return os.Stat(path) })
}

// Within calls f and returns its result, or [ErrTimeout] if ctx ends or [Timeout]
// passes first. A call into a file system cannot be interrupted: f then continues,
// and its result is dropped.
func Within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	return within(ctx.Done(), f)
}

func within[T any](done <-chan struct{}, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		value, err := f()
		results <- result{value, err}
	}()
	timer := time.NewTimer(Timeout)
	defer timer.Stop()
	var zero T
	select {
	case r := <-results:
		return r.value, r.err
	case <-timer.C:
		return zero, ErrTimeout
	case <-done:
		return zero, ErrTimeout
	}
}
