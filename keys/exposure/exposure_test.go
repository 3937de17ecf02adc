package exposure_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"conductor-jwt/keys/exposure"
)

func TestARunOf24CharactersIsFoundWhereverItBegins(t *testing.T) {
	const word = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	s := exposure.New(exposure.Parts{Words: []string{word}})
	for from := 0; from+24 <= len(word); from++ {
		if run := word[from : from+24]; !s.In("…" + run) {
			t.Errorf("24 characters from %d are not found", from)
		}
		if run := word[from : from+23]; s.In(run) {
			t.Errorf("23 characters from %d are found", from)
		}
	}
}

func TestBytesAreFoundInBase64AtEveryAlignment(t *testing.T) {
	raw := []byte("\x00\xff\x10 some bytes of a private key, which no text has")
	s := exposure.New(exposure.Parts{Bytes: [][]byte{raw}})
	for _, before := range []string{"", "x", "xy", "xyz"} {
		text := base64.URLEncoding.EncodeToString([]byte(before + string(raw)))
		if !s.In(text) || !s.In(strings.Join(strings.Split(text, ""), "\n")) {
			t.Errorf("not found behind %d bytes", len(before))
		}
	}
	if s.In(string(raw)) {
		t.Error("found in clear, where only base64 is searched")
	}
}

func TestNoSecretsFindNothing(t *testing.T) {
	const armour = "-----BEGIN PRIVATE KEY-----"
	if (exposure.Secrets{}).In(armour) {
		t.Error("the zero value finds a key")
	}
	if !exposure.New(exposure.Parts{}).In(armour) {
		t.Error("a key of another is not found")
	}
}
