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

// ask opens an encrypted key with passwords typed at the terminal; false
// where there is none, or none fits in three tries.
func (file keyFile) ask(ctx context.Context, env Env, parser *keys.Parser) (keys.Key, bool) {
	for range 3 {
		password, ok := promptPassword(env, "Please enter the password to decrypt "+shown(file.name)+": ")
		if !ok || ctx.Err() != nil {
			return nil, false
		}
		ref := file.ref
		ref.Password = password
		key, err := parser.Resolve(ctx, ref)
		if err == nil {
			return key, true
		}
		if !errors.Is(err, keys.ErrPassword) {
			return nil, false
		}
	}
	return nil, false
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
