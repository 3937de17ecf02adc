package tree

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Actions are pinned by commit, because a tag can be moved. The make targets of
// jobs exist.
func TestActionsArePinnedAndTargetsExist(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d workflows, want at least 2; %v", len(files), err)
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
			t.Errorf("%s does not restrict the token's permissions", file)
		}
	}
}

// job is the checked part of a workflow's job.
type job struct {
	Needs       any
	Permissions map[string]string
	Steps       []struct{ Uses, Run string }
}

// runs returns all commands of a job.
func (j job) runs() string {
	var b strings.Builder
	for _, step := range j.Steps {
		b.WriteString(step.Run + "\n")
	}
	return b.String()
}

// elevated returns a permission that a job has beyond reading the repository, or "".
func (j job) elevated() string {
	for name, level := range maps.All(j.Permissions) {
		if level != "none" && (name != "contents" || level != "read") {
			return name + ": " + level
		}
	}
	return ""
}

var testRun = regexp.MustCompile(`\.ci/run|\bgo (test|vet)\b|\bmake (test|unit|lint|fuzz|vuln|tags|bench|soak|mutation|demo)`)

// faultsOf reports jobs that run tests with an identity or a token that can write,
// and jobs that release without waiting for the tests.
func faultsOf(text []byte) ([]string, error) {
	var w struct {
		Permissions any
		Jobs        map[string]job
	}
	if err := yaml.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	var faults []string
	tested := map[string]bool{}
	for name, j := range w.Jobs {
		tested[name] = testRun.MatchString(j.runs())
		if j.Permissions == nil && w.Permissions == nil {
			faults = append(faults, name+" does not restrict the token's permissions")
		}
		if more := j.elevated(); more != "" && tested[name] {
			faults = append(faults, name+" tests with "+more)
		}
	}
	for name, j := range w.Jobs {
		if j.elevated() != "" && !waits(w.Jobs, tested, name) {
			faults = append(faults, name+" does not wait for the tests")
		}
	}
	return faults, nil
}

// waits reports whether a job needs one that runs tests, directly or indirectly.
func waits(jobs map[string]job, tested map[string]bool, name string) bool {
	for need := range strings.FieldsSeq(strings.Trim(fmt.Sprint(jobs[name].Needs), "[]")) {
		if _, exists := jobs[need]; exists && (tested[need] || waits(jobs, tested, need)) {
			return true
		}
	}
	return false
}

// Tests run third-party code, which must not get the identity that signs a
// release.
func TestTestJobsCannotRelease(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		faults, err := faultsOf(text)
		if err != nil || len(faults) > 0 {
			t.Errorf("%s: %v %v", file, faults, err)
		}
	}
	for name, text := range map[string]string{
		"tests with an identity":   "permissions: {}\njobs: {a: {permissions: {id-token: write}, steps: [{run: .ci/run}]}}",
		"tests with a token":       "permissions: {}\njobs: {a: {permissions: {contents: write}, steps: [{run: make test}]}}",
		"releases without tests":   "permissions: {}\njobs: {a: {permissions: {packages: write}, steps: [{run: make release}]}, b: {permissions: {contents: read}, steps: [{run: .ci/run}]}}",
		"does not set permissions": "jobs: {a: {steps: [{run: .ci/run}]}}",
	} {
		if faults, err := faultsOf([]byte(text)); err != nil || len(faults) == 0 {
			t.Errorf("a workflow that %s: no fault was reported, %v", name, err)
		}
	}
}

// A release needs the digest of each base image, which Renovate writes.
func TestReleaseRequiresDigestsOfBaseImages(t *testing.T) {
	text, err := os.ReadFile("../../.github/workflows/release.yaml")
	if err != nil || !strings.Contains(string(text), "- run: .ci/pinned\n") {
		t.Errorf("release.yaml does not run .ci/pinned: %v", err)
	}
	if text, err = os.ReadFile("../../renovate.json"); err != nil || !strings.Contains(string(text), `{"matchManagers": ["dockerfile"], "pinDigests": true}`) {
		t.Errorf("renovate.json does not pin digests: %v", err)
	}
	digest := "@sha256:" + strings.Repeat("0a", 32)
	for name, row := range map[string]struct {
		file string
		fine bool
	}{
		"each with its digest":       {"FROM --platform=$BUILDPLATFORM golang:1" + digest + " AS source\nFROM source AS b\nFROM gcr.io/d:nonroot" + digest + " AS static\nCOPY --from=b /x /x\n", true},
		"one by a tag":               {"FROM golang:1" + digest + " AS a\nFROM gcr.io/d:nonroot\n", false},
		"a digest that is too short": {"FROM golang:1@sha256:0a\n", false},
		"no image":                   {"ARG A\n", false},
	} {
		path := filepath.Join(t.TempDir(), "Dockerfile")
		if err := os.WriteFile(path, []byte(row.file), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "../../.ci/pinned", path).CombinedOutput()
		if (err == nil) != row.fine {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// The notes of a release are the section of its version, without the links below the
// last section.
func TestReleaseNotesAreOfTheVersion(t *testing.T) {
	changelog := filepath.Join(t.TempDir(), "CHANGELOG.md")
	text := "# Changelog\n\n## [Unreleased]\n\n## [1.10.0] - 2020-01-02\n\n### Added\n- ten\n\n## [1.1.0] - 2020-01-01\n- one\n\n[1.1.0]: https://example.com\n"
	if err := os.WriteFile(changelog, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"v1.10.0": "### Added\n- ten\n", "v1.1.0": "- one\n", "v1.1": "", "v2.0.0": ""} {
		out, err := exec.CommandContext(t.Context(), "../../.ci/notes", version, changelog).Output()
		if (err == nil) != (want != "") || string(out) != want {
			t.Errorf("%s: %q, %v; want %q", version, out, err, want)
		}
	}
}

func TestTagsOfTheImage(t *testing.T) {
	for args, want := range map[string]string{
		"i v1.12.3":         "i:1.12.3 i:1.12 i:1",
		"i v1.12.3 -static": "i:1.12.3-static i:1.12-static i:1-static",
		"i v2.0.0-rc.1":     "i:2.0.0-rc.1",
		"i main":            "",
	} {
		out, err := exec.CommandContext(t.Context(), "../../.ci/tags", strings.Fields(args)...).Output()
		if got := strings.Join(strings.Fields(string(out)), " "); (err == nil) != (want != "") || got != want {
			t.Errorf("%s: %q, %v; want %q", args, got, err, want)
		}
	}
}
