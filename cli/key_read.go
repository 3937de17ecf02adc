package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
)

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
			return keyFile{}, usage("use --jwks and --kid", "%s: a JWK Set, not a key", shown(file.name))
		}
		file.ref.KeyID, file.choose = k.kid, k.choose
	}
	if file.form == formOther && isHMAC(alg) {
		file.form, file.ref.Encoding = formRaw, keys.EncodingRaw
		if w := file.ref.Warning(); w != "" {
			label(env, env.Stderr, "warning", yellow, shown(file.name)+": "+w)
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
