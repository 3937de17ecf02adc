package tree

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rowsOfTheMatrix is the number of faults; row 0 has none.
const rowsOfTheMatrix = 28

// TestReliabilityMatrixIsComplete checks that docs/evidence/reliability.md has every row in
// order, that no cell is empty, and that the named tests exist.
func TestReliabilityMatrixIsComplete(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root(), "docs", "evidence", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]map[string]bool{}
	next := 0
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		n, err := strconv.Atoi(cells[0])
		if err != nil || !strings.HasPrefix(line, "| ") {
			continue
		}
		if n != next {
			t.Errorf("got row %d, want row %d", n, next)
		}
		next = n + 1
		if len(cells) != 7 {
			t.Errorf("row %d has %d columns, want 7", n, len(cells))
			continue
		}
		for i, cell := range cells {
			if strings.Trim(cell, " –") == "" && (n > 0 || i != 3) {
				t.Errorf("row %d: column %d is empty", n, i+1)
			}
		}
		if named := checkNamed(t, tests, cells[3]); n > 0 && named == 0 {
			t.Errorf("row %d names no test", n)
		}
	}
	if next != rowsOfTheMatrix+1 {
		t.Errorf("the matrix ends with row %d, want %d", next-1, rowsOfTheMatrix)
	}
}

// checkNamed checks that each `package.TestName` in a text exists, and returns
// their number.
func checkNamed(t *testing.T, tests map[string]map[string]bool, text string) int {
	t.Helper()
	found := regexp.MustCompile("`([a-z0-9/]+)\\.(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(text, -1)
	for _, m := range found {
		if tests[m[1]] == nil {
			tests[m[1]] = testsOf(t, m[1])
		}
		if !tests[m[1]][m[2]] {
			t.Errorf("package %s has no %s", m[1], m[2])
		}
	}
	return len(found)
}

// testsOf returns the names of a package's tests.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(), pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}
