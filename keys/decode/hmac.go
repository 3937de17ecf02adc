package decode

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json/jsontext"
	"fmt"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/printable"
)

// Secret reads an HMAC secret in one of the encodings raw, base64, base64url
// and hex. Raw text is used to the last byte; in the other encodings white
// space is an error. A key or certificate is refused: anyone who knows its public
// half could forge tokens (RFC 8725 §2.1).
func Secret(text, encoding string) (HMACSecret, error) {
	switch {
	case text == "":
		return nil, &fault.Error{Reason: ErrMissing, Found: "this is an empty HMAC secret", Hint: "give the secret"}
	case isTemplate(text):
		return nil, unresolved()
	}
	if what := otherKey([]byte(text)); what != "" {
		return nil, notASecret(what)
	}
	raw, err := decodeSecret(text, encoding)
	if err != nil {
		return nil, err
	}
	if what := otherKey(raw); what != "" {
		return nil, notASecret(what)
	}
	return raw, nil
}

// readOctJWK reads an HMAC secret (RFC 7518 §6.4). It has no public half.
func readOctJWK(m members) (private, public any, err error) {
	k, err := m.bytes("k")
	if err != nil {
		return nil, nil, err
	}
	if what := otherKey(k); what != "" {
		return nil, nil, &fault.Error{
			Reason: ErrUnsupported, Found: "this is an oct JWK whose k is " + what,
			Hint: "give that key itself, or an oct JWK with random bytes",
		}
	}
	return HMACSecret(k), nil, nil
}

func decodeSecret(text, encoding string) ([]byte, error) {
	var raw []byte
	var ok bool
	switch encoding {
	case "raw":
		raw, ok = []byte(text), true
	case "base64":
		raw, ok = decodeStrict(text, base64.StdEncoding)
	case "base64url":
		raw, ok = decodeStrict(text, base64.URLEncoding)
	case "hex":
		var err error
		raw, err = hex.DecodeString(text)
		ok = err == nil
	default:
		return nil, &fault.Error{
			Reason: ErrUnreadable, Found: fmt.Sprintf("this is an unknown %s of %d characters", fault.Encoding, len(encoding)),
			Hint: "use raw, base64, base64url or hex",
		}
	}
	if !ok {
		return nil, badEncoding(encoding)
	}
	return raw, nil
}

func badEncoding(encoding string) error {
	return &fault.Error{
		Reason: ErrUnreadable, Found: fmt.Sprintf("this is an HMAC secret that is not %s", encoding),
		Hint: "set " + fault.Encoding + " to what the secret is written in: raw, base64, base64url or hex; white space counts",
	}
}

// otherKey returns what raw or its base64 or hex is, where that is a key of
// another kind or a certificate; empty for a secret.
func otherKey(raw []byte) string {
	if what := otherKeyText(raw); what != "" {
		return what
	}
	if inner, ok := anyBase64(string(raw)); ok {
		if what := otherKeyText(inner); what != "" {
			return what + " in base64"
		}
	}
	if inner, ok := anyHex(string(raw)); ok {
		if what := otherKeyText(inner); what != "" {
			return what + " in hex"
		}
	}
	return ""
}

// anyHex decodes text that is hex only, with or without colons.
func anyHex(text string) ([]byte, bool) {
	out, err := hex.DecodeString(strings.TrimPrefix(strings.ReplaceAll(strings.Trim(printable.Squeeze(text), `"'`), ":", ""), "0x"))
	return out, err == nil && len(out) > 0
}

func otherKeyText(raw []byte) string {
	text := string(raw)
	if isUTF16(text) {
		text = strings.ReplaceAll(text, "\x00", "")
	}
	text = trimQuotes(text)
	switch {
	case isArmoured(text):
		return "PEM text"
	case isSSHPublic(text):
		return "an SSH public key"
	case isPuTTY(text):
		return "a PuTTY key file"
	case isJSON(text) && beginsWithJSON(text):
		return "a JSON object"
	case strings.Contains(text, `"kty"`):
		return "a JWK in another text"
	case isKeyDER(raw):
		return "a key or certificate in DER form"
	case isKeyStore(raw):
		return "a Java key store"
	case isECPoint(raw):
		return "the public point of an EC key"
	}
	return ""
}

// isArmoured reports PEM text by its armour, damaged or in UTF-16, too.
func isArmoured(text string) bool {
	text = strings.ReplaceAll(text, "\x00", "")
	if hasArmour(text) || strings.Contains(text, armourEnd) {
		return true
	}
	upper := strings.ToUpper(text)
	return strings.Contains(upper, "BEGIN") &&
		(strings.Contains(upper, "PRIVATE KEY") || strings.Contains(upper, "PUBLIC KEY") || strings.Contains(upper, "CERTIFICATE"))
}

// beginsWithJSON reports whether text begins with a JSON value that has a
// string. One in 65536 random secrets begins with an empty object.
func beginsWithJSON(text string) bool {
	value, err := jsontext.NewDecoder(strings.NewReader(text)).ReadValue()
	return err == nil && bytes.IndexByte(value, '"') >= 0
}

// isKeyDER reports a key or certificate in DER. It parses raw, because a random
// secret may begin like DER.
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

// isECPoint reports an uncompressed point (SEC 1 §2.3.3) on a curve, which no
// random secret is. A compressed one looks like a secret.
func isECPoint(raw []byte) bool {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if _, err := ecdsa.ParseUncompressedPublicKey(curve, raw); err == nil {
			return true
		}
	}
	_, err := secp256k1.ParsePubKey(raw)
	return err == nil && len(raw) == secp256k1.PubKeyBytesLenUncompressed
}

func notASecret(what string) error {
	return &fault.Error{
		Reason: ErrUnsupported, Found: "this is " + what + " where " + fault.Encoding + " says that it is an HMAC secret",
		Hint: "leave " + fault.Encoding + " out to read it as a key, or give a random secret",
	}
}
