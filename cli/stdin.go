package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"conductor-jwt/internal/printable"
)

// dash is the name of a file that stands for standard input or output.
const dash = "-"

// firstByteWait is the maximum wait for the first byte of a pipe that no argument
// names.
const firstByteWait = 3 * time.Second

// readOffered reads a standard input that no argument names: a file, or a pipe
// whose first byte comes within [firstByteWait]. It returns at most limit+1 bytes,
// so that the caller can refuse what is too long.
func readOffered(ctx context.Context, r io.Reader, limit int) ([]byte, error) {
	f, ok := r.(*os.File)
	if !ok && r != nil { // of a test
		return readPipe(ctx, r, limit)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil //nolint:nilerr // closed
	case info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0:
		return readPipe(ctx, r, limit)
	case info.Mode().IsRegular():
		return readUpTo(r, limit)
	}
	return nil, nil // a terminal, or a device such as /dev/null
}

func readPipe(ctx context.Context, r io.Reader, limit int) ([]byte, error) {
	buffered := bufio.NewReader(r)
	first := make(chan error, 1)
	// The goroutine waits until the process ends if no byte comes: a read cannot
	// be cancelled.
	go func() {
		_, err := buffered.Peek(1)
		first <- err
	}()
	timer := time.NewTimer(firstByteWait)
	defer timer.Stop()
	select {
	case err := <-first:
		if err != nil {
			return nil, nil // closed without a byte
		}
		return readUpTo(buffered, limit)
	case <-timer.C:
		return nil, withHint(errors.New("standard input is an open pipe that sends nothing"), "add </dev/null, or - to wait for it")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func readUpTo(r io.Reader, limit int) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r, int64(limit)+1))
}

// readInput reads the file called name, or standard input if name is -.
func readInput(env Env, name string, limit int) ([]byte, error) {
	if name != dash {
		return readFile(name, limit)
	}
	raw, err := readUpTo(env.Stdin, limit)
	if err != nil {
		return nil, errors.New("standard input cannot be read")
	}
	return raw, nil
}

// readFile reads a file of at most limit bytes, and no further. The file may be a
// pipe, such as <(command); a signal ends the wait for it.
func readFile(name string, limit int) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec,forbidigo // the user named the file, and can end the wait
	if err != nil {
		return nil, fileError(name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := readUpTo(f, limit)
	if err != nil {
		return nil, fileError(name, err)
	}
	if len(raw) > limit {
		return nil, withHint(fmt.Errorf("%s: the file has more than %d bytes", printable.Name(name), limit), "give a smaller file")
	}
	return raw, nil
}

// contentHint returns the next step if name is not a file's name but its content.
func contentHint(name string) string {
	switch {
	case strings.HasPrefix(name, "{"):
		return "put the JSON into a file, or pipe it in"
	case strings.Contains(name, "eyJ") && strings.Count(name, ".") >= 2:
		return "pipe the token in, or put it into a file: others can read arguments"
	case strings.Contains(name, "-----BEGIN"):
		return "put the key into a file: others can read arguments"
	}
	return ""
}

// fileError says why a file cannot be read. The system's own text repeats the
// name and the call.
func fileError(name string, err error) error {
	if hint := contentHint(name); hint != "" {
		// Not quoted: it may be a token or a key.
		return usage(hint, "the argument is not the name of a file")
	}
	shown := printable.Name(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return withHint(fmt.Errorf("%s: there is no such file", shown), "check the name and the folder")
	case errors.Is(err, os.ErrPermission):
		return withHint(fmt.Errorf("%s: this user may not read the file", shown), "check its permissions")
	}
	if info, statErr := os.Stat(name); statErr == nil && info.IsDir() {
		return withHint(fmt.Errorf("%s: this is a folder", shown), "give a file in it")
	}
	return fmt.Errorf("%s: the file cannot be read", shown)
}
