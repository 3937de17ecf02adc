// Package tree tests the project's tree: the licences of what is linked, the pages,
// the deployment files and the workflows.
package tree

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the picture in docs/architecture.md")

// The picture of the packages shows what the code imports.
func TestArchitectureIsDrawnFromTheImports(t *testing.T) {
	imports := productImports(t)
	if len(imports) < 12 {
		t.Fatalf("found %d packages, want at least 12; the output of go list is read wrongly", len(imports))
	}
	path := filepath.Join(root(), "docs", "architecture.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- packages -->\n", "<!-- /packages -->"
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("docs/architecture.md does not have the lines <!-- packages --> and <!-- /packages -->")
	}
	want := before + begin + picture(imports) + end + after
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatal("the picture in docs/architecture.md differs from the imports; run go test ./test/tree -run Architecture -update")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every package of the product has a row on the page.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root(), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range productImports(t) {
		if name != stores && !strings.Contains(string(page), "| `"+name+"`") {
			t.Errorf("docs/architecture.md has no row for %s", name)
		}
	}
}

// Every file that the page names exists.
func TestArchitectureNamesFilesThatExist(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root(), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for i, word := range strings.Split(string(page), "`") {
		if i%2 == 0 || !strings.Contains(word, "/") || strings.ContainsAny(word, " …") {
			continue
		}
		files++
		if _, err := os.Stat(filepath.Join(root(), word)); err != nil {
			t.Errorf("docs/architecture.md names %s: %v", word, err)
		}
	}
	if files < 20 {
		t.Errorf("found %d files, want at least 20; the page's format has changed", files)
	}
}

// stores replaces, in the picture, the packages below keys that are key stores.
const stores = "key stores"

// productImports returns the imports of each package of the product without
// internal/, which any of them may use.
func productImports(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	list.Dir, list.Env = root(), append(os.Environ(), "CGO_ENABLED=1")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatal(err)
		}
		name, ok := drawn(p.ImportPath)
		if !ok {
			continue
		}
		imports[name] = append(imports[name], nil...)
		for _, i := range p.Imports {
			if to, ok := drawn(i); ok && to != name && !slices.Contains(imports[name], to) {
				imports[name] = append(imports[name], to)
			}
		}
	}
}

// drawn returns the name of a package in the picture; false if it is not in it.
func drawn(path string) (string, bool) {
	name, ours := strings.CutPrefix(path, "conductor-jwt/")
	top, below, _ := strings.Cut(name, "/")
	switch {
	case !ours, top == "internal", top == "test", top == "tools", top == "deploy", top == "bench":
		return "", false
	case top == "keys" && below != "" && below != "decode" && below != "exposure":
		return stores, true
	}
	return name, true
}

// picture draws the imports that do not follow from others as a Mermaid graph.
func picture(imports map[string][]string) string {
	var b strings.Builder
	b.WriteString("```mermaid\ngraph TD\n")
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		for _, to := range slices.Sorted(slices.Values(imports[from])) {
			if !slices.ContainsFunc(imports[from], func(by string) bool { return by != to && reaches(imports, by, to) }) {
				fmt.Fprintf(&b, "  %s --> %s\n", node(from), node(to))
			}
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// reaches reports whether from imports to, directly or by way of others.
func reaches(imports map[string][]string, from, to string) bool {
	return from == to || slices.ContainsFunc(imports[from], func(next string) bool { return reaches(imports, next, to) })
}

func node(name string) string {
	return strings.NewReplacer("/", "_", " ", "_").Replace(name) + "[" + name + "]"
}
