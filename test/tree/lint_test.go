package tree

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A rule for imports of a package that was renamed would allow everything.
func TestRulesForImportsNamePackagesThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, m := range regexp.MustCompile(`"!?\*\*/([^"]+)"|conductor-jwt/([a-z0-9/]+)`).FindAllSubmatch(text, -1) {
		rules++
		files, err := filepath.Glob(filepath.Join(root(), string(m[1])+string(m[2])))
		if err != nil || len(files) == 0 {
			t.Errorf(".golangci.yml names %s, which is not there (%v)", m[0], err)
		}
	}
	if rules < 30 {
		t.Errorf("found %d names; the pattern is wrong", rules)
	}
}
