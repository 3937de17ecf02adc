package keys

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json/jsontext"
	"fmt"
	"strings"
)

// readSecret reads an HMAC secret. Raw text is taken to the last byte;
// in the other encodings white space is an error. A key or certificate is
// never taken for a secret: whoever knows the public half could then forge
// tokens (RFC 8725 §2.1).
func readSecret(text string, encoding Encoding) (hmacSecret, error) {
	if text == "" {
		return nil, &Error{Reason: ErrMissing, Found: "an empty hmac secret", Hint: "give the secret"}
	}
	if foreign := foreignText([]byte(text)); foreign != "" {
		return nil, notASecret(foreign)
	}
	raw, err := decodeSecret(text, encoding)
	if err != nil {
		return nil, err
	}
	if foreign := foreignText(raw); foreign != "" {
		return nil, notASecret(foreign)
	}
	return raw, nil
}

func decodeSecret(text string, encoding Encoding) ([]byte, error) {
	switch encoding {
	case EncodingRaw:
		return []byte(text), nil
	case EncodingBase64:
		return decodeSecretWith(text, base64.StdEncoding, encoding)
	case EncodingBase64URL:
		return decodeSecretWith(text, base64.URLEncoding, encoding)
	case EncodingHex:
		raw, err := hex.DecodeString(text)
		if err != nil {
			return nil, badEncoding(encoding)
		}
		return raw, nil
	}
	return nil, &Error{
		Reason: ErrUnreadable, Found: fmt.Sprintf("an unknown secretEncoding of %d characters", len(encoding)),
		Hint: "use raw, base64, base64url or hex",
	}
}

// decodeSecretWith takes padding or its absence, and no bits that encode
// nothing (RFC 4648 §3.5).
func decodeSecretWith(text string, alphabet *base64.Encoding, encoding Encoding) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // the decoder would pass over them
		return nil, badEncoding(encoding)
	}
	if !strings.HasSuffix(text, "=") {
		alphabet = alphabet.WithPadding(base64.NoPadding)
	}
	raw, err := alphabet.Strict().DecodeString(text)
	if err != nil {
		return nil, badEncoding(encoding)
	}
	return raw, nil
}

func badEncoding(encoding Encoding) error {
	return &Error{
		Reason: ErrUnreadable, Found: fmt.Sprintf("an hmac secret that is not %s", encoding),
		Hint: "set secretEncoding to what the secret is written in: raw, base64, base64url or hex; white space counts",
	}
}

// foreignText names what raw is where it is no secret but a key of another
// kind, or a certificate.
func foreignText(raw []byte) string {
	trimmed := strings.TrimSpace(trimStart(string(raw)))
	switch {
	case hasArmour(trimmed) || strings.Contains(trimmed, armourEnd):
		return "pem text"
	case isSSHPublic(trimmed):
		return "an ssh public key"
	case isJSON(trimmed) && jsontext.Value(trimmed).IsValid():
		return "a json object"
	case isKeyDER(raw):
		return "a key or certificate in der form"
	}
	return ""
}

// isKeyDER asks the parsers rather than the first bytes: a random secret may
// begin like DER.
func isKeyDER(raw []byte) bool {
	if !bytes.HasPrefix(raw, []byte{0x30}) {
		return false
	}
	if _, err := x509.ParsePKIXPublicKey(raw); err == nil {
		return true
	}
	if _, err := x509.ParseCertificate(raw); err == nil {
		return true
	}
	return shapeOf(raw) != shapeUnknown
}

func notASecret(what string) error {
	return &Error{
		Reason: ErrUnsupported, Found: what + " where secretEncoding announces an hmac secret",
		Hint: "leave secretEncoding out to read it as a key, or give a random secret",
	}
}
