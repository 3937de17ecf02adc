// Package decode reads keys from text: PEM, DER, PKCS#1, PKCS#8, SEC 1,
// OpenSSH, PKCS#12, JWE, JWK and Google's service account files, encrypted ones
// with their password. It repairs what copying does to a text, and says what a
// text is that is no key. It returns types of crypto/*, and does not know the
// Key of package keys.
//
// Every error is a [fault.Error] with one of the reasons below, and quotes
// nothing of the text. The work that an encrypted key demands is limited before
// anything is derived.
package decode

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// MaxText is the size in bytes of the longest text that should be read.
const MaxText = 64 << 10

// byteOrderMark is what some editors write in front of UTF-8.
const byteOrderMark = "\ufeff"

// Key is a key that was read, and what its text says of it.
type Key struct {
	// Private is a *rsa.PrivateKey, RSAPSS, *ecdsa.PrivateKey,
	// *secp256k1.PrivateKey, ed25519.PrivateKey, *mldsa.PrivateKey or
	// HMACSecret; nil for a public key.
	Private any
	// Public is a *rsa.PublicKey, RSAPSSPublic, *ecdsa.PublicKey,
	// *secp256k1.PublicKey, ed25519.PublicKey or *mldsa.PublicKey; nil where
	// the text was read for its private key and does not hold it.
	Public any

	ID        string              // a JWK's kid, a service account's private_key_id
	Algorithm string              // a JWK's alg; may be any text
	Account   string              // the client_email of a service account
	Chain     []*x509.Certificate // the certificates beside the key, in order

	operations []string // a JWK's key_ops; nil means any
}

// Private reads the one private key of text, in any form but a JWK Set; see
// [Set].
func Private(ctx context.Context, text string, password secret.Text) (Key, error) {
	switch {
	case isJSON(text):
		return readJSON(ctx, text, password)
	case isRawDER(text):
		return readBinary(ctx, []byte(text), password)
	}
	return readText(ctx, text, password)
}

// Verifying reads the key of text that checks signatures: its private key, or
// else its public key or that of its first certificate. id chooses a member of
// a JSON object that holds certificates by their ids. For a JWK Set, see [Set].
func Verifying(ctx context.Context, text string, password secret.Text, id string) (Key, error) {
	if isJSON(text) {
		return readVerifyingJSON(ctx, text, password, id)
	}
	k, err := Private(ctx, text, password)
	if !errors.Is(err, ErrPublic) && !errors.Is(err, ErrCertificate) {
		return k, err
	}
	return readPublicText(text)
}

// Public reads a public key: PEM, or DER, or a line of an authorized_keys file.
func Public(text string) (any, error) {
	k, err := readPublicText(text)
	return k.Public, err
}

// isJSON reports whether text begins as a JSON object. Two braces begin a
// template.
func isJSON(text string) bool {
	trimmed := trimStart(text)
	return strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "{{")
}

// isRawDER reports whether text is binary: DER begins with a SEQUENCE and is
// hardly ever valid UTF-8.
func isRawDER(text string) bool { return strings.HasPrefix(text, "0") && !utf8.ValidString(text) }

// trimStart removes a byte order mark and white space.
func trimStart(text string) string {
	return strings.TrimLeft(strings.TrimPrefix(text, byteOrderMark), " \t\r\n")
}

// readJSON reads a key in one of the JSON forms, which differ in their required
// members.
func readJSON(ctx context.Context, text string, password secret.Text) (Key, error) {
	m, err := readMembers(text)
	if err != nil {
		return Key{}, err
	}
	switch {
	case m.has("kty"):
		return readPrivateJWK(m)
	case m.has("type") || m.has("private_key"):
		return readServiceAccount(ctx, m, password)
	case m.has("ciphertext"):
		return Key{}, foundJWE()
	}
	return Key{}, unknownJSON(m)
}

func readVerifyingJSON(ctx context.Context, text string, password secret.Text, id string) (Key, error) {
	m, err := readMembers(text)
	switch {
	case err != nil:
		return Key{}, err
	case m.has("kty"):
		return readVerifyingJWK(m)
	case isPublicMap(m):
		return readPublicMap(m, id)
	}
	return readJSON(ctx, text, password)
}

func unknownJSON(m members) error {
	switch {
	case m.has("boxAppSettings"):
		return &fault.Error{
			Reason: ErrUnsupported, Found: "this is the configuration file of a Box app",
			Hint: "give the PEM text of its appAuth alone, its passphrase as " + fault.Password + " and its publicKeyID as " + fault.KeyID,
		}
	case isPublicMap(m):
		return &fault.Error{
			Reason: ErrCertificate, Found: "these are certificates or public keys under their ids",
			Hint: "give the private key that belongs to one of them", Cause: givePublic,
		}
	}
	for name := range m {
		if inner, err := readMembers(string(m[name])); err == nil && (inner.has("kty") || inner.has("private_key")) {
			return &fault.Error{
				Reason: ErrUnreadable, Found: "this is a JSON object with a key in one of its members",
				Hint: "give that member's object alone, in place of the one around it",
			}
		}
		if text, ok, _ := m.text(name); ok && isArmoured(text) {
			return &fault.Error{
				Reason: ErrUnreadable, Found: "this is a JSON object with PEM text in one of its members",
				Hint: "give that text alone, in place of the object",
			}
		}
	}
	return &fault.Error{
		Reason: ErrUnreadable, Found: "this is a JSON object that is neither a JWK nor a JWKS nor a service account file",
		Hint: "give an object with kty, with keys, or with type service_account",
	}
}

// OpenContainer opens the container of a key, which only the command line
// reads: a JWE around a JWK or a JWK Set, or a PKCS#12 file. It returns the
// JSON or PEM inside, and text itself where it is no container.
func OpenContainer(ctx context.Context, text string, password secret.Text) (string, error) {
	switch {
	case isJWEText(text):
		return openJWE(ctx, text, password)
	case isPKCS12Text(text):
		return openPKCS12(ctx, text, password)
	}
	return text, nil
}

// isJWEText reports either serialisation of a JWE (RFC 7516 §3.1, §3.2).
func isJWEText(text string) bool {
	trimmed := strings.TrimSpace(text)
	if isCompact(trimmed) {
		return strings.Count(trimmed, ".") == 4
	}
	if !isJSON(text) {
		return false
	}
	m, err := readMembers(text)
	return err == nil && m.has("ciphertext")
}

func isPKCS12Text(text string) bool {
	der, ok := derOfText(text)
	return ok && (shapeOf(der) == shapePKCS12 || isBERPKCS12(der))
}

// serviceAccount is the type of Google's service account files, the only one of
// its credential files with a private key.
const serviceAccount = "service_account"

// readServiceAccount reads the PEM in private_key of a Google service account
// file, and its id in private_key_id.
func readServiceAccount(ctx context.Context, m members, password secret.Text) (Key, error) {
	if err := checkAccountType(m); err != nil {
		return Key{}, err
	}
	text, ok, err := m.text("private_key")
	if err != nil {
		return Key{}, err
	}
	if !ok || text == "" {
		return Key{}, &fault.Error{
			Reason: ErrUnreadable, Found: "this is a service account file without private_key",
			Hint: "create a new key for the service account and give its file",
		}
	}
	id, _, err := m.text("private_key_id")
	if err != nil {
		return Key{}, err
	}
	k, err := readText(ctx, text, password)
	if err != nil {
		return Key{}, err
	}
	k.ID = id
	k.Account, _, err = m.text("client_email")
	return k, err
}

func checkAccountType(m members) error {
	kind, ok, err := m.text("type")
	if err != nil {
		return err
	}
	if ok && kind == serviceAccount {
		return nil
	}
	if m.has("private_key") {
		return &fault.Error{
			Reason: ErrUnsupported, Found: "this is a JSON object with private_key that is no service account file",
			Hint: "give the text of private_key alone, or a file whose type is service_account",
		}
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is a credential file that is no service account's",
		Hint: "give a file whose type is service_account: only that one holds a private key", Cause: givePublic,
	}
}
