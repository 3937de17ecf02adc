package task_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A reason without a row in the table of codes would end as an internal error.
func TestEveryReasonOfATaskHasACode(t *testing.T) {
	// These end no task: they are about verifying a token, or stand beside another
	// reason.
	others := strings.Fields(`
		keys.ErrRefused keys.ErrVerification verifier.ErrKey verifier.ErrUnavailable verifier.ErrUnknown
		signer.ErrAlgorithm signer.ErrAlgorithmAmbiguous signer.ErrAudience signer.ErrClaimType signer.ErrCritical signer.ErrEncoding signer.ErrEncrypted
		signer.ErrExpired signer.ErrFormat signer.ErrHeader signer.ErrIssuedAt signer.ErrIssuer signer.ErrNoExpiry signer.ErrNotYet signer.ErrPayload
		signer.ErrRequired signer.ErrReserved signer.ErrSignature signer.ErrSubject signer.ErrTokenType signer.ErrTooOld signer.ErrUnsigned`)
	table, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`reasons: \[\]error\{[^}]*\}`).FindAllString(string(table), -1)
	reasons := 0
	for folder, qualifier := range map[string]string{
		".": "", "../keys": "keys.", "../keys/decode": "keys.", "../exchange": "exchange.", "../provider": "provider.", "../signer": "signer.", "../verifier": "verifier.",
	} {
		for _, name := range sentinels(t, folder) {
			reasons++
			listed := regexp.MustCompile(`[{ ]` + regexp.QuoteMeta(qualifier+name) + `[,}]`)
			if !slices.Contains(others, qualifier+name) && !slices.ContainsFunc(rows, listed.MatchString) {
				t.Errorf("%s: %s has no row in the table of codes", folder, name)
			}
		}
	}
	if reasons < 40 || len(rows) < 20 {
		t.Errorf("found %d reasons and %d rows; the files are read wrongly", reasons, len(rows))
	}
}

// sentinels returns the names of the errors that a package declares.
func sentinels(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\s(Err[A-Z]\w*) +=`)
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	return names
}
