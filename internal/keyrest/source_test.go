package keyrest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

func TestCache(t *testing.T) {
	public, err := keys.Generate(keys.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	var cache keyrest.Cache[string]
	reads := 0
	get := func(version string, created time.Time, readErr error) error {
		_, err := cache.Get(version, created, func() (keys.Key, error) {
			reads++
			if readErr != nil {
				return nil, readErr
			}
			return keys.FromStore(public.Public(), keys.StoreOptions{Created: created})
		})
		return err
	}
	failed := errors.New("failed")
	now := time.Unix(1_700_000_000, 0)
	for _, step := range []struct {
		name    string
		version string
		created time.Time
		err     error
		reads   int // in all
	}{
		{"a failed read is not cached", "1", now, failed, 1},
		{"the first read", "1", now, nil, 2},
		{"the same version", "1", now, failed, 2},
		{"another version", "2", now, nil, 3},
		{"the same version, created later", "1", now.Add(time.Hour), nil, 4},
		{"and again", "1", now.Add(time.Hour), failed, 4},
	} {
		err := get(step.version, step.created, step.err)
		if reads != step.reads || (err != nil) != (step.name == "a failed read is not cached") {
			t.Errorf("%s: %d reads, %v", step.name, reads, err)
		}
	}
	if n := len(cache.All()); n != 2 {
		t.Errorf("%d keys are cached", n)
	}
}

func TestReadFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "canary")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if raw, err := keyrest.ReadFile(t.Context(), write("good", "token\n"), 6, "the file", "check it"); err != nil || string(raw) != "token\n" {
		t.Errorf("%q, %v", raw, err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"no file":  {filepath.Join(folder, "none"), "the file: there is no such file; check it"},
		"a folder": {folder, "the file: it is not a regular file; check it"},
		"blank":    {write("blank", " \r\n"), "the file is empty, or larger than 6 bytes; check it"},
		"too long": {write("long", "tokens\n"), "the file is empty, or larger than 6 bytes; check it"},
	} {
		_, err := keyrest.ReadFile(t.Context(), c.path, 6, "the file", "check it")
		if !errors.Is(err, keys.ErrRefused) || err.Error() != c.want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
