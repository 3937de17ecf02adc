package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is a module in the output of `go list -deps -json`.
type module struct{ Path, Version, Dir string }

// linked lists the modules that an edition links on a platform of the releases.
func linked(t *testing.T) []module {
	t.Helper()
	found := map[string]module{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Module", ".")
		cmd.Dir, cmd.Env = root(), append(os.Environ(), "CGO_ENABLED=1", "GOOS="+system)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var p struct{ Module *module }
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if p.Module != nil && p.Module.Path != "conductor-jwt" {
				found[p.Module.Path] = *p.Module
			}
		}
	}
	all := slices.Collect(maps.Values(found))
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all
}

func root() string { return filepath.Join("..", "..") }

// licenceOf identifies the licence of a module by a characteristic sentence.
func licenceOf(t *testing.T, m module) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.Dir, "LICEN[SC]E*"))
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no licence file", m.Path)
		return ""
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(raw)), " ")
	for _, known := range [][2]string{
		{"Apache-2.0", "Apache License Version 2.0"},
		{"BSD-3-Clause", "Neither the name of"},
		{"BSD-2-Clause", "Redistributions in binary form must reproduce"},
		{"MIT", "Permission is hereby granted, free of charge"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software"},
		{"ISC", "Permission to use, copy, modify, and distribute this software"},
		{"MPL-2.0", "Mozilla Public License"},
	} {
		if strings.Contains(text, known[1]) {
			return known[0]
		}
	}
	t.Errorf("%s has an unknown licence; check that it may be linked, and add it here", m.Path)
	return ""
}

// TestThirdPartyListsEveryLinkedModule checks THIRD_PARTY.md. To accept a new
// dependency, paste the table that a failure prints.
func TestThirdPartyListsEveryLinkedModule(t *testing.T) {
	var table strings.Builder
	for _, m := range linked(t) {
		table.WriteString("| " + m.Path + " | " + licenceOf(t, m) + " |\n")
	}
	page, err := os.ReadFile(filepath.Join(root(), "THIRD_PARTY.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rows, found := strings.Cut(string(page), "|---|---|\n")
	if !found || strings.TrimSpace(rows) != strings.TrimSpace(table.String()) {
		t.Errorf("THIRD_PARTY.md does not list what is linked; its table should be:\n%s", table.String())
	}
}

// The image and the archives hold the licence of every linked module, and Go's.
func TestDistributionsHoldEveryLicence(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "../../.ci/licences", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"LICENSE", "NOTICE", "THIRD_PARTY.md", "licences/go/LICENSE"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	for _, m := range linked(t) {
		if files, err := filepath.Glob(filepath.Join(dir, "licences", m.Path, "LICEN[SC]E*")); err != nil || len(files) == 0 {
			t.Errorf("no licence of %s (%v)", m.Path, err)
		}
	}
	for file, want := range map[string]string{
		"Dockerfile":  "COPY --from=source /doc /usr/share/doc/conductor-jwt\n",
		".ci/release": "cp -r .cache/doc/. \"$folder\"\n",
	} {
		text, err := os.ReadFile(filepath.Join(root(), file))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s does not contain %s (%v)", file, want, err)
		}
	}
}
