package cli

import (
	"errors"
	"fmt"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys"
)

// keyError is [keyError] of this file, and knows the keys of a set.
func (file keyFile) keyError(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		if err := file.setError(e); err != nil {
			return err
		}
	}
	return keyError(file.name, err)
}

// keyError speaks of the command line's flags where package keys speaks of a
// task's inputs.
func keyError(name string, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	out := &fault.Error{Reason: e.Reason, Found: printable.Name(name) + ": " + inFlags(e.Found)}
	if errors.Is(e, keys.ErrPublic) {
		out.Found = fmt.Sprintf("%s is %s; signing needs the private key", printable.Name(name), inFlags(e.Found))
	}
	if hint := keyHint(e); hint != "" {
		return withHint(out, hint)
	}
	return out
}

func keyHint(e *fault.Error) string {
	switch {
	case errors.Is(e, keys.ErrEncrypted):
		return "give its password with --password-file"
	case errors.Is(e, keys.ErrPassword):
		return "check the password in --password-file; white space at its end is dropped, at its beginning it counts"
	case errors.Is(e, keys.ErrAlgorithmUnknown):
		return strings.Replace(e.Hint, "use one of", "--alg is one of", 1)
	}
	return inFlags(e.Hint)
}

// inFlags translates the inputs of a task into flags.
func inFlags(text string) string {
	return strings.NewReplacer(
		"privateKeyPassword", "--password-file", "privateKeyId", "--kid", "privateKey", "the key file",
		"set algorithm to", "use --alg", "leave secretEncoding out", "leave --alg HS* out", "secretEncoding announces", "--alg HS* announces",
		"secretEncoding", "--alg HS*", "algorithm asked for", "--alg",
	).Replace(text)
}

// signError is what went wrong while signing.
func signError(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	renamed := *e
	renamed.Found, renamed.Hint = inFlags(e.Found), keyHint(e)
	return signerError("", &renamed)
}

// signerError gives an error of package signer its place and its hint.
func signerError(where string, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	text := e.Found
	for _, place := range []string{e.Field, where} {
		if place != "" {
			text = place + ": " + text
		}
	}
	if e.Hint == "" {
		return errors.New(text)
	}
	return withHint(errors.New(text), e.Hint)
}
