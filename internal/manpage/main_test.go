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
	for page, wants := range map[string][]string{
		"conductor-jwt.1":             {"conductor-jwt-worker(1)"},
		"conductor-jwt-worker.1":      {".TP\nCONDUCTOR_JWT_SLOTS\n", ".TP\nCONDUCTOR_AUTH_SECRET_FILE\n"},
		"conductor-jwt-config-show.1": {"--origin", ".TP\nCONDUCTOR_AUTH_SECRET\n"},
		"conductor-jwt-sign.1":        {"--alg"},
		"conductor-jwt-verify.1":      {".TP\n0\nthe token is valid\n"},
		"conductor-jwt-version.1":     {"--output"},
	} {
		text, err := os.ReadFile(filepath.Join(folder, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range append(wants, ".SH EXIT STATUS\n.TP\n0\n", ".SH ENVIRONMENT\n", ".SH SEE ALSO\n") {
			if strings.Count(string(text), want) != 1 && want[0] == '.' || !strings.Contains(string(text), want) {
				t.Errorf("%s does not have %q once:\n%s", page, want, text)
			}
		}
	}
}
