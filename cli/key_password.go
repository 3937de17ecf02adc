package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// passwordTries is how often a password is asked for.
const passwordTries = 3

// ask opens an encrypted key with passwords typed at the terminal. asked is
// false where there is none, or nothing was typed.
func (file keyFile) ask(ctx context.Context, env Env, parser *keys.Parser) (key keys.Key, asked bool, err error) {
	for try := range passwordTries {
		password, ok := promptPassword(env, "Please enter the password to decrypt "+shown(file.name)+": ")
		if !ok || ctx.Err() != nil {
			return nil, false, nil //nolint:nilerr // whoever asks has an error of its own
		}
		ref := file.ref
		ref.Password = password
		key, err := parser.Resolve(ctx, ref)
		if !errors.Is(err, keys.ErrPassword) {
			return key, true, err
		}
		if try < passwordTries-1 {
			_, _ = fmt.Fprintln(env.Stderr, "The password does not open it; try again.")
		}
	}
	return nil, true, &typedPasswordError{shown(file.name)}
}

// typedPasswordError is a wrong password that was typed, not read from a file.
type typedPasswordError struct{ file string }

// Error implements the error interface.
func (e *typedPasswordError) Error() string {
	return fmt.Sprintf("the password does not open %s (%d tries)", e.file, passwordTries)
}

// promptPassword reads a password from the terminal of the process, not from
// standard input, which may be the payload.
func promptPassword(env Env, prompt string) (secret.Text, bool) {
	if !isTerminal(env.Stderr) {
		return secret.Text{}, false
	}
	tty, err := os.OpenFile(terminalDevice, os.O_RDWR, 0)
	if err != nil {
		return secret.Text{}, false
	}
	defer func() { _ = tty.Close() }() // it was only read
	_, _ = fmt.Fprint(env.Stderr, prompt)
	raw, err := term.ReadPassword(int(tty.Fd()))
	_, _ = fmt.Fprintln(env.Stderr)
	return secret.New(string(raw)), err == nil && len(raw) > 0
}
