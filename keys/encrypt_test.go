package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// Each key has a salt of its own, and the iterations that OWASP recommends.
func TestAnEncryptedKeyIsCostlyToGuess(t *testing.T) {
	password := secret.New("password")
	iterations := []byte{2, 3, 0x09, 0x27, 0xc0} // INTEGER 600000, behind the salt
	var salts [2][]byte
	for i := range salts {
		text, err := keys.EncryptPEM(secret.New("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"), password)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode([]byte(text.Reveal()))
		at := bytes.Index(block.Bytes, iterations)
		if at < 16 {
			t.Fatalf("%x", block.Bytes)
		}
		salts[i] = block.Bytes[at-16 : at]
	}
	if bytes.Equal(salts[0], salts[1]) {
		t.Error("two keys have the same salt")
	}
	text, err := keys.EncryptJWK(secret.New(`{"kty":"oct"}`), password)
	if err != nil {
		t.Fatal(err)
	}
	encoded, _, _ := strings.Cut(text.Reveal(), ".")
	if header, err := base64.RawURLEncoding.DecodeString(encoded); err != nil || !strings.Contains(string(header), `"p2c":600000,`) {
		t.Errorf("%s: %v", header, err)
	}
}
