package keys_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTheMapNamesEveryFile keeps the map in the package's documentation true.
func TestTheMapNamesEveryFile(t *testing.T) {
	isFile := func(word string) bool { return strings.HasSuffix(word, ".go") }
	patterns := slices.DeleteFunc(strings.Fields(string(must(os.ReadFile("doc.go")))), func(w string) bool { return !isFile(w) })
	files := slices.DeleteFunc(must(filepath.Glob("*.go")), func(f string) bool {
		return strings.HasSuffix(f, "_test.go") || f == "doc.go"
	})
	for _, f := range files {
		if !slices.ContainsFunc(patterns, func(p string) bool { return must(filepath.Match(p, f)) }) {
			t.Errorf("doc.go does not say what %s is for", f)
		}
	}
	for _, p := range patterns {
		if !slices.ContainsFunc(files, func(f string) bool { return must(filepath.Match(p, f)) }) {
			t.Errorf("doc.go speaks of %s, which does not exist", p)
		}
	}
}
