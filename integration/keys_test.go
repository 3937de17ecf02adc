package integration_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// keySet is what the server has as secrets, fresh for each run.
type keySet struct {
	key      *rsa.PrivateKey
	text     string // the key as PKCS #8 PEM
	account  string // the same key as a Google service account
	password string // a secret that is no key
	control  string // a secret that a careless worker is made to give away
}

func newKeySet() (*keySet, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "sa-key-1", "private_key": text,
		"client_email": "signer@p.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
	})
	if err != nil {
		return nil, err
	}
	return &keySet{key: key, text: text, account: string(account), password: rand.Text(), control: rand.Text()}, nil
}

// The names of the secrets.
const (
	keySecret      = "${workflow.secrets.jwt-privatekey}"
	accountSecret  = "${workflow.secrets.service-account}"
	passwordSecret = "${workflow.secrets.database-password}"
	controlSecret  = "${workflow.secrets.control}"
	noSuchSecret   = "${workflow.secrets.no-such-key}"
)

func (k *keySet) secrets() map[string]string {
	return map[string]string{
		"jwt-privatekey": k.text, "service-account": k.account,
		"database-password": k.password, "control": k.control,
	}
}

// leaksIn searches what must be secret in what others can read.
func (k *keySet) leaksIn(where string, data []byte) error {
	for name, value := range map[string]string{"jwt-privatekey": k.text, "database-password": k.password} {
		if holds(data, value) {
			return fmt.Errorf("%s holds the secret %s", where, name)
		}
	}
	return nil
}

// holds says whether data has a stretch of the secret, as it is or within
// base64, as in a token. Lines break the long ones, and pages of a database
// file break everything, so stretches are short and many.
func holds(data []byte, text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		// The first line of every RSA key begins alike.
		if strings.HasPrefix(line, "-----") || strings.HasPrefix(line, "MII") {
			continue
		}
		for ; len(line) >= 16; line = line[min(8, len(line)):] {
			if bytes.Contains(data, []byte(line[:16])) || holdsEncoded(data, line[:16]) {
				return true
			}
		}
	}
	return false
}

// holdsEncoded looks for the characters that base64 makes of the stretch at
// each of its three offsets, without those that its neighbours touch.
func holdsEncoded(data []byte, stretch string) bool {
	for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
		for offset := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", offset) + stretch))
			from := (offset*8 + 5) / 6
			if bytes.Contains(data, []byte(text[from:len(text)-1])) {
				return true
			}
		}
	}
	return false
}

// verified is a token that go-jose, which did not sign it, has verified.
type verified struct {
	header map[string]any
	claims map[string]any
}

func (k *keySet) verify(token string) (verified, error) {
	var v verified
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.PS256})
	if err != nil {
		return v, err
	}
	payload, err := signed.Verify(k.key.Public())
	if err != nil {
		return v, err
	}
	header, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		return v, err
	}
	return v, errors.Join(json.Unmarshal(header, &v.header), json.Unmarshal(payload, &v.claims))
}

func (k *keySet) mustVerify(t *testing.T, token string) verified {
	t.Helper()
	v, err := k.verify(token)
	if err != nil {
		t.Fatalf("go-jose does not verify the token: %v", err)
	}
	return v
}

func TestSearchForSecretsFindsThem(t *testing.T) {
	text := shared.keys.text
	line := strings.Split(text, "\n")[5]
	for name, data := range map[string]string{
		"the whole text":              text,
		"the text as JSON":            strings.ReplaceAll(text, "\n", `\n`),
		"one line of it":              "a" + line + "b",
		"half a line":                 line[:32],
		"base64url, any offset, 0":    base64.RawURLEncoding.EncodeToString([]byte(text)),
		"base64url, any offset, 1":    base64.RawURLEncoding.EncodeToString([]byte("a" + text)),
		"base64, any offset, 2":       base64.StdEncoding.EncodeToString([]byte("ab" + text)),
		"text cut by a page's border": line[:20] + "\x00\x01" + line[20:],
	} {
		if !holds([]byte(data), text) {
			t.Errorf("%s: not found", name)
		}
	}
	if holds([]byte("-----BEGIN PRIVATE KEY-----\n"+strings.Repeat("MIIE", 40)), text) {
		t.Error("found where it is not")
	}
}
