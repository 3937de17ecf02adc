// Package readfile reads the files that an operator names. No read
// blocks the process for long: without a bound, a FIFO without a writer and a
// file server that does not answer would block it forever.
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

// Timeout is how long one read may take.
const Timeout = 5 * time.Second

// Errors of this package; all others are the system's.
var (
	ErrNotRegular = errors.New("not a regular file") // a folder, a FIFO, a socket or a device
	ErrTimeout    = errors.New("not read in time")   // or its context ended
)

// Regular returns the contents of a regular file, or of the one that a symbolic
// link leads to. It gives at most limit+1 bytes, so that the caller can tell
// what is too long. It is for files that are read again while the worker runs.
func Regular(ctx context.Context, path string, limit int) ([]byte, error) {
	return Within(ctx, func() ([]byte, error) { return regular(path, limit) })
}

// Shared is Regular for a file that many callers share: none may cancel it.
func Shared(path string, limit int) ([]byte, error) {
	return within(nil, func() ([]byte, error) { return regular(path, limit) })
}

// Reason says why a file could not be read, without its path: that may be a
// secret which was set in the wrong variable.
func Reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "the file may not be read by this user"
	}
	return "the file cannot be read"
}

// Stat is [os.Stat] in bounded time.
func Stat(path string) (os.FileInfo, error) {
	return within(nil, func() (os.FileInfo, error) { return os.Stat(path) })
}

func regular(path string, limit int) ([]byte, error) {
	flags := os.O_RDONLY
	if runtime.GOOS != "windows" {
		flags |= syscall.O_NONBLOCK // opening a FIFO would wait for its writer
	}
	f, err := os.OpenFile(path, flags, 0) //nolint:gosec // the operator names it, never a task
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	return upTo(f, limit)
}

// Any is Regular for what is read once, at the start, and may also be a pipe of
// the shell, such as <(command), or a device.
func Any(ctx context.Context, path string, limit int) ([]byte, error) {
	return Within(ctx, func() ([]byte, error) {
		f, err := os.Open(path) //nolint:gosec // the operator names it, never a task
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // it was only read
		return upTo(f, limit)
	})
}

// ByteOrderMark is what some editors write in front of UTF-8 text.
const ByteOrderMark = "\ufeff"

// upTo reads a file without a byte order mark. Nothing binary that is read here begins with one.
func upTo(f *os.File, limit int) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	return bytes.TrimPrefix(text, []byte(ByteOrderMark)), err
}

// Within calls f, and gives up when ctx ends or after [Timeout]. A call into a
// file system cannot be interrupted: f then goes on alone, and its result is
// dropped.
func Within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	return within(ctx.Done(), f)
}

func within[T any](done <-chan struct{}, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ended := make(chan result, 1)
	go func() {
		value, err := f()
		ended <- result{value, err}
	}()
	timer := time.NewTimer(Timeout)
	defer timer.Stop()
	var none T
	select {
	case r := <-ended:
		return r.value, r.err
	case <-timer.C:
		return none, ErrTimeout
	case <-done:
		return none, ErrTimeout
	}
}
