package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conductor-jwt/policy"
)

// Each policy file that a page shows is valid.
func TestPolicyFilesOfThePages(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```$")
	section := regexp.MustCompile(`(?m)^(keys|vault|profiles|grants|issuers|verifiers|exchange):`)
	files := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			file := strings.ReplaceAll("\n"+m[2], "\n"+m[1], "\n")
			if !section.MatchString(file) {
				continue
			}
			files++
			if _, err := policy.Read(page, []byte(file), 24*time.Hour); err != nil {
				t.Errorf("%s\n%s", err, file)
			}
		}
	}
	if files < 7 {
		t.Errorf("found %d policy files, want at least 7; the pattern is wrong", files)
	}
}
