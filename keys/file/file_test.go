package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"conductor-jwt/keys"
	"conductor-jwt/keys/file"
)

func TestSources(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const jwk = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}` // RFC 8037 A.1
	for _, name := range []string{"one/..2027", "empty"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("key.jwk", jwk)
	write("broken", "no key")
	// A mounted secret of Kubernetes.
	write("one/..2027/key", jwk)
	for link, to := range map[string]string{"one/..data": "..2027", "one/key": "..data/key"} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"KEY": jwk}
	s := file.New(file.Options{Parser: keys.NewParser(keys.ParserOptions{}), Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	at := filepath.ToSlash(folder)
	for _, row := range []struct {
		uri  string
		n    int
		want error
	}{
		{"file://" + at + "/key.jwk", 1, nil},
		{"dir://" + at + "/one", 1, nil},
		{"dir://" + at + "/empty", 0, nil},
		{"env:KEY", 1, nil},
		{"env:NONE", 0, keys.ErrMissing},
		{"file://" + at + "/none", 0, keys.ErrMissing},
		{"file://" + at + "/broken", 0, keys.ErrUnreadable},
		{"file://" + at, 0, keys.ErrTooLarge},
	} {
		source, err := s.Open(row.uri)
		if err != nil {
			t.Errorf("%s: %v", row.uri, err)
			continue
		}
		list, err := source.Versions(t.Context())
		if len(list) != row.n || !errors.Is(err, row.want) {
			t.Errorf("%s: %d keys, %v", row.uri, len(list), err)
		}
		if source.Timed() || source.Remote() {
			t.Error(row.uri)
		}
	}
	for _, uri := range []string{"file://host/path", "file:relative", "file:", "env:", "env:A=B", "file:///a?b", "dir://x", "http:///x"} {
		if _, err := s.Open(uri); !errors.Is(err, keys.ErrUnsupported) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}
