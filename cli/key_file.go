package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

// keyFlags name the file of a key.
type keyFlags struct {
	key, jwks, kid, passwordFile string
	// choose is the hint if --key is a JWK Set of several keys; if it is empty,
	// --key must not be a JWK Set.
	choose string
}

func (k *keyFlags) check() error {
	for _, name := range []*string{&k.key, &k.passwordFile} {
		if *name == "/dev/stdin" {
			*name = dash // so that no payload is read from it
		}
	}
	switch {
	case k.key == dash && k.passwordFile == dash:
		return usage("put one of them into a file", "standard input cannot be both the key and its password")
	case k.key == "" && k.jwks == "":
		return usage("give the file of a key with --key, or a JWK Set with --jwks and --kid", "--key or --jwks must be given")
	case k.key != "" && k.jwks != "":
		return usage("keep one of them", "--key and --jwks contradict each other")
	}
	return nil
}

// maxKeyFile is the maximum size of a key file in bytes. It may have certificates
// beside the key, so that it is larger than that of a key in a task.
const maxKeyFile = 64 << 10

// keyForm is the form of a key file, as far as this package distinguishes it.
type keyForm int

const (
	formOther keyForm = iota // PEM, DER, OpenSSH, PKCS#12
	formJOSE                 // a JWK or JWK Set, plain or in a JWE, which has kid and alg
	formRaw                  // a raw HMAC secret
)

// keyFile is the content of a key file, not parsed yet.
type keyFile struct {
	name string
	form keyForm
	ref  keys.Ref
	text []byte

	idFrom string // the origin of ref.KeyID in messages; empty: --kid
	choose string // the hint to choose a key of the set; empty: set --kid
}

// readKeyFile reads the file of --key or --jwks, and the password file. alg is
// that of --alg: with HS*, a file that is not a JWK is a raw secret.
func readKeyFile(env Env, k *keyFlags, alg keys.Algorithm) (keyFile, error) {
	file := keyFile{name: k.key}
	if k.jwks != "" {
		file.name = k.jwks
	}
	var err error
	if file.text, err = readKeyText(env, file.name); err != nil {
		return keyFile{}, err
	}
	password, err := readPassword(env, k.passwordFile)
	if err != nil {
		return keyFile{}, err
	}
	file.form = formOf(file.text)
	file.ref = keys.Ref{Text: secret.New(string(file.text)), Password: password, Algorithm: alg}
	if k.jwks != "" {
		file.ref.KeyID = k.kid
		return file, checkKeySet(file)
	}
	if isKeySet(file.text) {
		if k.choose == "" {
			return keyFile{}, usage("give it with --jwks and --kid", "%s: this is a JWK Set, not a key", printable.Name(file.name))
		}
		file.ref.KeyID, file.choose = k.kid, k.choose
	}
	if file.form == formOther && alg.IsHMAC() {
		file.form, file.ref.Encoding = formRaw, keys.EncodingRaw
		if w := file.ref.Warning(); w != "" {
			env.warn(printable.Name(file.name) + ": " + w)
		}
	}
	return file, nil
}

func readKeyText(env Env, name string) ([]byte, error) {
	switch {
	case hasScheme(name, "https", "http"):
		return nil, usage("download it to a file, check it, and give the file", "a key at a URL is not downloaded")
	case hasScheme(name, policy.Schemes()...):
		return nil, usage("give the path of a file", "a key URI is only for the policy file")
	}
	return readInput(env, name, maxKeyFile)
}

func hasScheme(name string, schemes ...string) bool {
	for _, scheme := range schemes {
		if len(name) > len(scheme) && name[len(scheme)] == ':' && strings.EqualFold(name[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}

// readPassword reads a password file. As step does, it drops what editors add: a
// byte order mark, and white space at the end.
func readPassword(env Env, name string) (secret.Text, error) {
	if name == "" {
		return secret.Text{}, nil
	}
	raw, err := readKeyText(env, name)
	if err != nil {
		return secret.Text{}, err
	}
	raw = bytes.TrimRightFunc(bytes.TrimPrefix(raw, []byte(readfile.ByteOrderMark)), unicode.IsSpace)
	return secret.New(string(raw)), nil
}

// formOf distinguishes forms by their beginning. Text that begins as JSON is never
// a raw secret, but a JWK, even if it is malformed.
func formOf(text []byte) keyForm {
	t := bytes.TrimSpace(bytes.TrimPrefix(text, []byte(readfile.ByteOrderMark)))
	switch {
	case bytes.HasPrefix(t, []byte("{")) && utf8.Valid(t), isCompactJWE(t):
		return formJOSE
	}
	return formOther
}

// isCompactJWE reports whether t has the five parts of RFC 7516 §7.1, the first of
// which begins with {" in base64.
func isCompactJWE(t []byte) bool {
	return bytes.HasPrefix(t, []byte("eyJ")) && bytes.Count(t, []byte(".")) == 4
}

// resolve parses a private key. It asks for the password if one is needed and not
// given.
func (file keyFile) resolve(ctx context.Context, env Env) (keys.Key, error) {
	parser := keys.NewParser(keys.ParserOptions{Containers: true, MaxText: maxKeyFile, Now: env.Now})
	key, err := parser.Resolve(ctx, file.ref)
	if errors.Is(err, keys.ErrEncrypted) && file.ref.Password.IsZero() {
		asked, ok, askErr := file.ask(ctx, env, parser)
		if ok {
			key, err = asked, askErr
		}
	}
	if err != nil {
		return nil, file.keyError(err)
	}
	return key, nil
}

// isKeySet reports whether text is a plain JWK Set (RFC 7517 §5).
func isKeySet(text []byte) bool {
	o, err := jsonobj.Parse(text, jsonobj.Limits{Bytes: maxKeyFile})
	return err == nil && o.Has("keys") && !o.Has("kty")
}

// checkKeySet refuses a file that is not a JWK Set. Package keys chooses the key.
func checkKeySet(file keyFile) error {
	if file.form != formJOSE {
		return usage("give a PEM or DER file with --key", "%s: this is not a JWK Set", printable.Name(file.name))
	}
	if isCompactJWE(file.text) {
		return nil
	}
	set, err := jsonobj.Parse(file.text, jsonobj.Limits{Bytes: maxKeyFile})
	if err != nil {
		return faultError(file.name, err)
	}
	if !set.Has("keys") && !set.Has("ciphertext") {
		return usage("give a single JWK, or public keys under their ids, with --key", "%s: this is not a JWK Set", printable.Name(file.name))
	}
	return nil
}

// keyError names the file in an error of package keys.
func (file keyFile) keyError(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		if err := file.setError(e); err != nil {
			return err
		}
	}
	return faultError(file.name, err)
}

// setError adds to an error about a JWK Set the ids of its keys. They may be shown
// here, since the user has the file. It returns nil for any other error.
func (file keyFile) setError(e *fault.Error) error {
	choice, ok := errors.AsType[*keys.SetError](e)
	if !ok {
		return nil
	}
	if choice.Unknown {
		return withHint(fmt.Errorf("%s: no key has %s %s", printable.Name(file.name), cmp.Or(file.idFrom, "the id of --kid"), quoteName(file.ref.KeyID)),
			idsHint(choice.KeyIDs))
	}
	hint := "give each key a kid of its own"
	switch {
	case len(choice.KeyIDs) > 1:
		hint = cmp.Or(file.choose, setKid) + "; " + idsHint(choice.KeyIDs)
	case file.choose != "":
		hint = putAlone
	case file.ref.Algorithm == "":
		hint = "set --alg, or give each key a kid of its own"
	}
	return withHint(fmt.Errorf("%s: %s", printable.Name(file.name), inFlags(e.Found)), hint)
}

// The hints for a JWK Set of several keys.
const (
	setKid   = "set --kid"
	putAlone = "put the key into a file of its own"
)

func idsHint(ids []string) string {
	const maxShown = 10
	if len(ids) == 0 {
		return "none of its keys has a kid"
	}
	named := make([]string, 0, maxShown)
	for _, id := range ids[:min(maxShown, len(ids))] {
		named = append(named, quoteName(id))
	}
	hint := "it has " + strings.Join(named, ", ")
	if more := len(ids) - maxShown; more > 0 {
		hint += fmt.Sprintf(" and %d more", more)
	}
	return hint
}

// passwordTries is the number of times that a password is asked for.
const passwordTries = 3

// ask opens an encrypted key with passwords from the terminal. asked is false if
// there is no terminal, or nothing was typed.
func (file keyFile) ask(ctx context.Context, env Env, parser *keys.Parser) (key keys.Key, asked bool, err error) {
	for try := range passwordTries {
		password, ok := promptPassword(env, "Please enter the password to decrypt "+printable.Name(file.name)+": ")
		if !ok || ctx.Err() != nil {
			return nil, false, nil //nolint:nilerr // the caller has the error
		}
		ref := file.ref
		ref.Password = password
		key, err := parser.Resolve(ctx, ref)
		if !errors.Is(err, keys.ErrPassword) {
			return key, true, err
		}
		if try < passwordTries-1 {
			_, _ = fmt.Fprintln(env.Stderr, "Wrong password; try again.")
		}
	}
	return nil, true, &typedPasswordError{printable.Name(file.name)}
}

// typedPasswordError is a wrong password that was typed.
type typedPasswordError struct{ file string }

// Error implements the error interface.
func (e *typedPasswordError) Error() string {
	return fmt.Sprintf("the password does not open %s (%d tries)", e.file, passwordTries)
}

// promptPassword reads a password from the terminal of the process. Standard input
// may be the payload.
func promptPassword(env Env, prompt string) (secret.Text, bool) {
	if !isTerminal(env.Stderr) {
		return secret.Text{}, false
	}
	terminal := "/dev/tty"
	if runtime.GOOS == "windows" {
		terminal = "CONIN$"
	}
	tty, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil {
		return secret.Text{}, false
	}
	defer func() { _ = tty.Close() }() // it was only read
	_, _ = fmt.Fprint(env.Stderr, prompt)
	raw, err := term.ReadPassword(int(tty.Fd()))
	_, _ = fmt.Fprintln(env.Stderr)
	return secret.New(string(raw)), err == nil && len(raw) > 0
}
