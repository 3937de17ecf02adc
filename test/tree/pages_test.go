package tree

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages returns the pages of docs/ and docs/evidence/, without the index.
func pages(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, pattern := range []string{"*.md", "evidence/*.md"} {
		found, err := filepath.Glob(filepath.Join(root(), "docs", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range found {
			if filepath.Base(page) != "README.md" {
				list = append(list, page)
			}
		}
	}
	if len(list) < 20 {
		t.Fatalf("found %d pages, want at least 20", len(list))
	}
	return list
}

// The index links every page.
func TestIndexHasEveryPage(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(root(), "docs", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t) {
		name, err := filepath.Rel(filepath.Join(root(), "docs"), page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(index), "]("+filepath.ToSlash(name)+")") {
			t.Errorf("docs/README.md does not link %s", name)
		}
	}
}

// The first sentence of a page says for whom it is, or which page it supports.
func TestPagesSayForWhomTheyAre(t *testing.T) {
	reader := regexp.MustCompile(`(?i)\b(for|evidence|list for)\b.*\b(authors|operators|users|readers|everyone|people|scripts|those|promise|sizing|compatibility|step)\b`)
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		sentence := ""
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "<!--") {
				sentence = line
				break
			}
		}
		if !reader.MatchString(sentence) {
			t.Errorf("%s does not say for whom it is: %s", page, sentence)
		}
	}
}
