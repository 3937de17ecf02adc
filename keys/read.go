package keys

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/readfile"
)

// defaultMaxText is the most text, in bytes, that is looked at.
const defaultMaxText = 64 << 10

// read reads the key that ref holds as text, in whatever form it comes.
func read(ctx context.Context, ref Ref, gate *Gate) (Key, error) {
	private, m, err := readPrivate(ctx, ref)
	if err != nil {
		return nil, err
	}
	m.gate = gate
	return newKey(private, m)
}

func readPrivate(ctx context.Context, ref Ref) (any, meta, error) {
	text := ref.Text.Reveal()
	switch {
	case ref.Encoding != "":
		secret, err := readSecret(text, ref.Encoding)
		return secret, meta{}, err
	case isJSON(text):
		return readJSON(ctx, text, ref)
	case isRawDER(text):
		return readBinary(ctx, []byte(text), ref)
	}
	return readText(ctx, text, ref)
}

// isJSON tells an object by its first character; two braces are a template's.
func isJSON(text string) bool {
	trimmed := trimStart(text)
	return strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "{{")
}

// isRawDER tells binary from text: DER begins with a SEQUENCE and is next to
// never valid UTF-8.
func isRawDER(text string) bool { return strings.HasPrefix(text, "0") && !utf8.ValidString(text) }

// trimStart drops a byte order mark and white space.
func trimStart(text string) string {
	return strings.TrimLeft(strings.TrimPrefix(text, readfile.ByteOrderMark), " \t\r\n")
}

// readJSON tells the JSON forms of a key apart by the members that each of
// them must have.
func readJSON(ctx context.Context, text string, ref Ref) (any, meta, error) {
	m, err := readMembers(text)
	if err != nil {
		return nil, meta{}, err
	}
	switch {
	case m.has("kty"):
		return privateHalf(readPrivateJWK(m))
	case m.has("keys"):
		set, err := readJWKSMembers(m)
		if err != nil {
			return nil, meta{}, err
		}
		return privateHalf(choosePrivate(set, ref))
	case m.has("type") || m.has("private_key"):
		return readServiceAccount(ctx, m, ref)
	case m.has("ciphertext"):
		return nil, meta{}, foundJWE()
	}
	return nil, meta{}, unknownJSON(m)
}

func privateHalf(k jwk, err error) (any, meta, error) {
	if err != nil {
		return nil, meta{}, err
	}
	return k.private, k.meta, nil
}

func unknownJSON(m members) error {
	switch {
	case m.has("boxAppSettings"):
		return &fault.Error{
			Reason: ErrUnsupported, Found: "the configuration file of a box app",
			Hint: "give the pem text of its appAuth alone, its passphrase as privateKeyPassword and its publicKeyID as privateKeyId",
		}
	case isPublicMap(m):
		return &fault.Error{
			Reason: ErrCertificate, Found: "certificates or public keys under their ids",
			Hint: "give the private key that belongs to one of them",
		}
	}
	for name := range m {
		if inner, err := readMembers(string(m[name])); err == nil && (inner.has("kty") || inner.has("private_key")) {
			return &fault.Error{
				Reason: ErrUnreadable, Found: "a json object with a key in one of its members",
				Hint: "give that member's object alone, in place of the one around it",
			}
		}
		if text, ok, _ := m.text(name); ok && isArmoured(text) {
			return &fault.Error{
				Reason: ErrUnreadable, Found: "a json object with pem text in one of its members",
				Hint: "give that text alone, in place of the object",
			}
		}
	}
	return &fault.Error{
		Reason: ErrUnreadable, Found: "a json object that is neither a jwk nor a jwks nor a service account file",
		Hint: "give an object with kty, with keys, or with type service_account",
	}
}

func tooLarge(length, most int) error {
	return &fault.Error{
		Reason: ErrTooLarge, Found: fmt.Sprintf("a key of %d bytes of text", length),
		Hint: fmt.Sprintf("at most %d bytes are read; give one key, without what stands around it", most),
	}
}
