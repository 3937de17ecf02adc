package cli

import (
	"errors"
	"fmt"

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

// keyError names the file of a key, and flags in place of a key's fields.
func keyError(name string, err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	found := printable.Name(name) + ": " + inFlags(e.Found)
	if errors.Is(e, keys.ErrPublic) {
		found = fmt.Sprintf("%s is %s; signing needs the private key", printable.Name(name), inFlags(e.Found))
	}
	out := &fault.Error{Reason: e.Reason, Found: found}
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
	}
	return inFlags(e.Hint)
}

// inFlags names the fields of a key by their flags.
func inFlags(text string) string {
	return fault.Rename(text, map[string]string{
		fault.Key: "the key file", fault.KeyID: "--kid", fault.Password: "--password-file",
		fault.Algorithm: "--alg", fault.Encoding: "--alg HS*",
	})
}

// signError names flags in an error of signing.
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
