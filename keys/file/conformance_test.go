package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"conductor-jwt/keys"
	"conductor-jwt/keys/file"
	"conductor-jwt/test/keyconformance"
)

func TestConformance(t *testing.T) {
	key, err := keys.Generate(keys.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keys.PrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "key.pem"), []byte(text.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := file.New(file.Options{Parser: keys.NewParser(keys.ParserOptions{}), Getenv: func(name string) (string, bool) {
		if name != "KEY" {
			return "", false
		}
		return text.Reveal(), true
	}})
	open := func(t *testing.T, uri string) keys.Source {
		t.Helper()
		source, err := s.Open(uri)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	at := filepath.ToSlash(folder)
	for name, uris := range map[string][2]string{
		"file": {"file://" + at + "/key.pem", "file://" + at + "/none"},
		"dir":  {"dir://" + at, "dir://" + at + "/none"},
		"env":  {"env:KEY", "env:NONE"},
	} {
		t.Run(name, func(t *testing.T) {
			keyconformance.RunStore(t, func(t *testing.T) keyconformance.Store {
				t.Helper()
				return keyconformance.Store{Source: open(t, uris[0]), Absent: open(t, uris[1])}
			})
		})
	}
}
