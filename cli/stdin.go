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

const dash = "-"

// firstByteWait is how long a pipe may take to bring its first byte, where
// nobody asked for it to be read.
const firstByteWait = 3 * time.Second

// errSilentPipe is an open pipe that brings nothing: an inherited one, most
// often, whose other end nobody will ever write to.
var errSilentPipe = errors.New("standard input is an open pipe that brings nothing")

// stdinKind is what standard input is.
type stdinKind int

const (
	stdinNone     stdinKind = iota // a device such as /dev/null, or closed
	stdinTerminal                  // somebody's keyboard
	stdinPipe                      // a pipe, a socket, or whatever a test passes
	stdinFile                      // a file, redirected
)

func kindOfStdin(r io.Reader) stdinKind {
	if r == nil {
		return stdinNone
	}
	f, ok := r.(*os.File)
	if !ok {
		return stdinPipe
	}
	if isTerminal(f) {
		return stdinTerminal
	}
	info, err := f.Stat()
	if err != nil {
		return stdinNone
	}
	switch mode := info.Mode(); {
	case mode&(os.ModeNamedPipe|os.ModeSocket) != 0:
		return stdinPipe
	case mode.IsRegular():
		return stdinFile
	}
	return stdinNone
}

// readOffered reads standard input where it is offered without having been
// asked for: a pipe whose first byte comes in time, or a file. It gives at
// most limit+1 bytes, so that the caller can tell what is too long.
func readOffered(ctx context.Context, r io.Reader, limit int) ([]byte, error) {
	switch kindOfStdin(r) {
	case stdinPipe:
		return readPipe(ctx, r, limit)
	case stdinFile:
		return readUpTo(r, limit)
	}
	return nil, nil
}

func readPipe(ctx context.Context, r io.Reader, limit int) ([]byte, error) {
	buffered := bufio.NewReader(r)
	first := make(chan error, 1)
	// It outlives a silent pipe: a read cannot be taken back. The process ends.
	go func() {
		_, err := buffered.Peek(1)
		first <- err
	}()
	timer := time.NewTimer(firstByteWait)
	defer timer.Stop()
	select {
	case err := <-first:
		if err != nil {
			return nil, nil // closed without a byte: nothing is offered
		}
		return readUpTo(buffered, limit)
	case <-timer.C:
		return nil, withHint(errSilentPipe, "add </dev/null, or give - to wait for it")
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

// readInput reads the file that was named, or standard input where - was.
func readInput(env Env, name string, limit int) ([]byte, error) {
	if name != dash {
		return readFile(name, limit)
	}
	raw, err := readUpTo(env.Stdin, limit)
	if err != nil {
		return nil, errors.New("standard input: cannot be read")
	}
	return raw, nil
}

// readFile reads a file of at most limit bytes. What is longer is refused
// before it is read to its end. It may be a pipe such as <(command), and waits for
// it as long as its user does: signals end the command.
func readFile(name string, limit int) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec,forbidigo // the file that the user named, who may end the wait
	if err != nil {
		return nil, fileError(name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := readUpTo(f, limit)
	if err != nil {
		return nil, fileError(name, err)
	}
	if len(raw) > limit {
		return nil, withHint(fmt.Errorf("%s: more than %d bytes", printable.Name(name), limit), "at most that many are read")
	}
	return raw, nil
}

// notAName tells what was meant as the content of a file from its name.
func notAName(name string) string {
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

// fileError is short: the system's own text repeats the name and the call.
func fileError(name string, err error) error {
	if hint := notAName(name); hint != "" {
		// It may be a token, which is worth as much as a password.
		return usage(hint, "the argument is no file name")
	}
	shown := printable.Name(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return withHint(fmt.Errorf("%s: no such file", shown), "check the name and the folder")
	case errors.Is(err, os.ErrPermission):
		return withHint(fmt.Errorf("%s: not readable", shown), "check who may read it")
	}
	if info, statErr := os.Stat(name); statErr == nil && info.IsDir() {
		return withHint(fmt.Errorf("%s: a folder", shown), "name a file in it")
	}
	return fmt.Errorf("%s: cannot be read", shown)
}
