package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// An action is named by the commit that was read, since a tag can be moved; and
// what a job runs is what the project has.
func TestWorkflowsRunWhatIsPinned(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	pinned := regexp.MustCompile(`uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	target := regexp.MustCompile(`\bmake ([a-z-]+)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			if strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: not pinned: %s", file, strings.TrimSpace(line))
			}
			if m := target.FindStringSubmatch(line); m != nil && !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s: no make %s", file, m[1])
			}
		}
		if !strings.Contains(string(text), "\npermissions: {") {
			t.Errorf("%s leaves the token what the repository gives it", file)
		}
	}
}
