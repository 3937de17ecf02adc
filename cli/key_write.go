package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"conductor-jwt/internal/secret"
)

// writeNew writes a file that does not exist yet, for its owner's eyes only.
func writeNew(name string, text secret.Text) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the file that the user named
	switch {
	case errors.Is(err, os.ErrExist):
		return withHint(fmt.Errorf("%s: exists already", shown(name)), "a key is never overwritten; choose another name, or remove it first")
	case err != nil:
		return withHint(fmt.Errorf("%s: cannot be written", shown(name)), "check the folder and who may write to it")
	}
	_, err = io.WriteString(f, text.Reveal())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(name) // half a key is worse than none, and there is nothing more to say
		return withHint(fmt.Errorf("%s: cannot be written", shown(name)), "check that there is room")
	}
	return nil
}

// writeKey writes a key to a new file, or to standard output where that is
// not a terminal, or where it is asked for with -.
func writeKey(env Env, name string, text secret.Text, isPrivate bool) error {
	if name != "" && name != dash {
		return writeNew(name, text)
	}
	if isPrivate && name != dash && isTerminal(env.Stdout) {
		return usage("add --out FILE, or --out - if it shall be printed here", "a private key is not printed on a terminal")
	}
	_, err := io.WriteString(env.Stdout, text.Reveal())
	return err
}
