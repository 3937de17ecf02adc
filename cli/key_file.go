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

// keyFlags say where a key comes from.
type keyFlags struct {
	key, jwks, kid, passwordFile string
	// choose says how to choose the key where --key is a JWK Set; empty where
	// it may not be one.
	choose string
}

func (k *keyFlags) check() error {
	for _, name := range []*string{&k.key, &k.passwordFile} {
		if *name == "/dev/stdin" {
			*name = dash // so that it is known to be no payload
		}
	}
	switch {
	case k.key == dash && k.passwordFile == dash:
		return usage("put one of them into a file", "standard input cannot be both the key and its password")
	case k.key == "" && k.jwks == "":
		return usage("give the file of a key with --key, or a JWK Set with --jwks and --kid", "no key: neither --key nor --jwks is given")
	case k.key != "" && k.jwks != "":
		return usage("keep one of them", "--key and --jwks contradict each other")
	}
	return nil
}

// maxKeyFile is the size in bytes of the largest key file that is read; one
// with certificates beside the key may be longer than a key in a task.
const maxKeyFile = 64 << 10

// keyForm is the form of a key file, as far as the command line must know.
type keyForm int

const (
	formOther keyForm = iota // PEM, DER, OpenSSH, PKCS#12
	formJOSE                 // a JWK or JWK Set, plain or in a JWE: it has its own kid and alg
	formRaw                  // a raw HMAC secret
)

// keyFile is a key file that was read but not yet understood.
type keyFile struct {
	name string
	form keyForm
	ref  keys.Ref
	text []byte

	idFrom string // whose id ref.KeyID is, for messages; empty: that of --kid
	choose string // how to choose the key of a set; empty: with --kid
}

// readKeyFile reads the file of --key or --jwks, and the password file. alg is
// what --alg says: with HS*, a file that is no JWK is a raw secret.
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
			return keyFile{}, usage("use --jwks and --kid", "%s: a JWK Set, not a key", printable.Name(file.name))
		}
		file.ref.KeyID, file.choose = k.kid, k.choose
	}
	if file.form == formOther && isHMAC(alg) {
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
		return nil, usage("fetch it with curl to a file, look at it, and name the file", "a key at a URL is not fetched")
	case hasScheme(name, policy.Schemes()...):
		return nil, usage("give the path of a file", "a key URI is for the worker's configuration")
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

// readPassword drops a byte order mark and the white space at the end, as step
// does: what editors add.
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

// formOf tells forms apart by how they begin. A text that begins like JSON is
// never a raw secret: it is a JWK, if a broken one.
func formOf(text []byte) keyForm {
	t := bytes.TrimSpace(bytes.TrimPrefix(text, []byte(readfile.ByteOrderMark)))
	switch {
	case bytes.HasPrefix(t, []byte("{")) && utf8.Valid(t), isCompactJWE(t):
		return formJOSE
	}
	return formOther
}

// isCompactJWE knows RFC 7516 §7.1 by its five parts and the {" that every
// header begins with.
func isCompactJWE(t []byte) bool {
	return bytes.HasPrefix(t, []byte("eyJ")) && bytes.Count(t, []byte(".")) == 4
}

func isHMAC(alg keys.Algorithm) bool {
	return alg == keys.HS256 || alg == keys.HS384 || alg == keys.HS512
}

// resolve understands a private key, asking for its password where it has one
// that was not given.
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

// checkKeySet refuses a file that is no JWK Set. Which of its keys is meant is
// decided by package keys.
func checkKeySet(file keyFile) error {
	if file.form != formJOSE {
		return usage("a PEM or DER file goes with --key", "%s: not a JWK Set", printable.Name(file.name))
	}
	if isCompactJWE(file.text) {
		return nil
	}
	set, err := jsonobj.Parse(file.text, jsonobj.Limits{Bytes: maxKeyFile})
	if err != nil {
		return signerError(printable.Name(file.name), err)
	}
	if !set.Has("keys") && !set.Has("ciphertext") {
		return usage("a single JWK, or public keys under their ids, go with --key", "%s: not a JWK Set", printable.Name(file.name))
	}
	return nil
}

// setError says which keys a JWK Set has, where none or several of them may be
// meant; e is what package keys found. On the command line the ids may be
// shown: whoever reads them holds the file.
func (file keyFile) setError(e *fault.Error) error {
	choice, ok := errors.AsType[*keys.SetError](e)
	if !ok {
		return nil
	}
	if choice.Unknown {
		return withHint(fmt.Errorf("%s: no key with %s %s", printable.Name(file.name), cmp.Or(file.idFrom, "the id of --kid"), quoteName(file.ref.KeyID)),
			idsHint(choice.KeyIDs))
	}
	hint := "give each key a kid of its own"
	switch {
	case len(choice.KeyIDs) > 1:
		hint = cmp.Or(file.choose, setKid) + "; " + idsHint(choice.KeyIDs)
	case file.choose != "":
		hint = "put the one that is meant into a file of its own"
	case file.ref.Algorithm == "":
		hint = "set --alg, or give each key a kid of its own"
	}
	return withHint(fmt.Errorf("%s: %s", printable.Name(file.name), inFlags(e.Found)), hint)
}

const setKid = "set --kid"

func idsHint(ids []string) string {
	const most = 10
	if len(ids) == 0 {
		return "none of its keys has a kid"
	}
	named := make([]string, 0, most)
	for _, id := range ids[:min(most, len(ids))] {
		named = append(named, quoteName(id))
	}
	hint := "it has " + strings.Join(named, ", ")
	if more := len(ids) - most; more > 0 {
		hint += fmt.Sprintf(" and %d more", more)
	}
	return hint
}

// passwordTries is how often a password is asked for.
const passwordTries = 3

// ask opens an encrypted key with passwords typed at the terminal. asked is
// false where there is none, or nothing was typed.
func (file keyFile) ask(ctx context.Context, env Env, parser *keys.Parser) (key keys.Key, asked bool, err error) {
	for try := range passwordTries {
		password, ok := promptPassword(env, "Please enter the password to decrypt "+printable.Name(file.name)+": ")
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
	return nil, true, &typedPasswordError{printable.Name(file.name)}
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
