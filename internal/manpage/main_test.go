package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryCommandHasAPage(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man1")
	if err := write(folder); err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string]string{
		"conductor-jwt.1":             "conductor-jwt-worker(1)",
		"conductor-jwt-worker.1":      "CONDUCTOR_JWT_SLOTS",
		"conductor-jwt-config-show.1": "--origin",
		"conductor-jwt-sign.1":        "--alg",
		"conductor-jwt-version.1":     "--output",
	} {
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s has no %s: %v\n%s", page, want, err, text)
		}
	}
}
