package tree

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func troubleshooting(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// Each error code in an alert has a section in docs/troubleshooting.md.
func TestCodesOfAlertsHaveASection(t *testing.T) {
	rules := deployed(t)[filepath.Join(deploy, "chart/files/rules.yaml")]
	sections := anchors(troubleshooting(t))
	codes := 0
	for _, m := range regexp.MustCompile(`code=~"([a-z_|]+)"`).FindAllStringSubmatch(rules, -1) {
		for code := range strings.SplitSeq(m[1], "|") {
			codes++
			if !slices.Contains(sections, code) {
				t.Errorf("an alert names %s, but docs/troubleshooting.md has no section for it", code)
			}
		}
	}
	if codes < 3 {
		t.Errorf("found %d codes, want at least 3; the pattern is wrong", codes)
	}
}

// docs/troubleshooting.md explains each kind of finding of doctor.
func TestFindingsOfDoctorAreExplained(t *testing.T) {
	page := troubleshooting(t)
	kind := regexp.MustCompile(`(?:\b(?:ok|warn|fail|unknown)\(|check = |Check: )"([a-z ]+)"`)
	kinds := map[string]bool{}
	files, err := filepath.Glob("../../doctor/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../cli/doctor.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range kind.FindAllStringSubmatch(string(text), -1) {
			kinds[m[1]] = true
		}
	}
	for name := range kinds {
		if !regexp.MustCompile("(?m)^\\| [^|]*`" + name + "`").MatchString(page) {
			t.Errorf("doctor has findings of the kind %q, but docs/troubleshooting.md does not explain it", name)
		}
	}
	if len(kinds) < 10 {
		t.Errorf("found %d kinds, want at least 10; the pattern is wrong", len(kinds))
	}
}
