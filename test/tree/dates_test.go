package tree

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands of a page must work in ten years, so their dates are before 2021 or
// after 2089.
func TestCodeBlocksHaveNoDatesNearToday(t *testing.T) {
	pages := []string{filepath.Join(root(), "README.md")}
	for _, folder := range []string{"*.md", "*/*.md"} {
		list, err := filepath.Glob(filepath.Join(root(), "docs", folder))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, list...)
	}
	block := regexp.MustCompile("(?ms)^```(?:sh|yaml)\n(.*?)^```")
	date := regexp.MustCompile(`\b20(?:2[1-9]|[3-8]\d)-\d\d-\d\d`)
	blocks := 0
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			blocks++
			if at := date.FindString(m[1]); at != "" {
				t.Errorf("%s: a code block holds the date %s; write one before 2021 or after 2089", path, at)
			}
		}
	}
	if blocks < 12 {
		t.Errorf("found %d code blocks, want at least 12; the pattern is wrong", blocks)
	}
}

func TestCIRunsTheTestsWithAnotherDate(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "make --no-print-directory test-clock\n") {
		t.Error(".ci/run does not run make test-clock")
	}
}
