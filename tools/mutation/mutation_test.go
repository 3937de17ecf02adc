package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEachOperatorMakesItsMutants(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.go")
	src := `package p

func f(a, b int, ok bool) (int, error) {
	if a < b && ok {
		a = b
		println(a)
	}
	switch {
	case ok:
		return a + 1, nil
	}
	return a, g()
}
`
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	mutants, err := fileMutants(filepath.Dir(path), path)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, m := range mutants {
		if got[m.key()] {
			t.Errorf("duplicate mutant %s", m.key())
		}
		got[m.key()] = true
	}
	for _, want := range []string{
		"if a < b && ok { → if a <= b && ok {",
		"if a < b && ok { → if a >= b && ok {",
		"if a < b && ok { → if a < b || ok {",
		"if a < b && ok { → if a < b {",
		"if a < b && ok { → if ok {",
		"if a < b && ok { → if !(a < b && ok) {",
		"a = b → (dropped)",
		"println(a) → (dropped)",
		"case ok: → case !(ok):",
		"return a + 1, nil → return a - 1, nil",
		"return a + 1, nil → return a + (1 + 1), nil",
		"return a + 1, nil → return *new(int), nil",
		"return a, g() → return *new(int), g()",
		"return a, g() → return a, nil",
	} {
		if !got["p.go: f: "+want] {
			t.Errorf("no mutant %s", want)
		}
		delete(got, "p.go: f: "+want)
	}
	for key := range got {
		t.Errorf("unexpected mutant %s", key)
	}
}

func TestEquivalentMutantNeedsAReason(t *testing.T) {
	for name, text := range map[string]string{
		"in the middle":           "a: f: x → y\nb: f: x → y\n\treason\n",
		"at the end":              "a: f: x → y\n",
		"a reason without mutant": "\treason\n",
	} {
		path := filepath.Join(t.TempDir(), "equivalent.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEquivalents(path); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	known, err := readEquivalents("equivalent.txt")
	if err != nil {
		t.Fatal(err)
	}
	for key := range known {
		if strings.Count(key, " → ") == 0 {
			t.Errorf("%q is not a mutant", key)
		}
	}
}
