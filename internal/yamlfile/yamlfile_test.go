package yamlfile_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"

	"conductor-jwt/internal/yamlfile"
)

func TestParse(t *testing.T) {
	for _, text := range []string{
		"a: 1\n", "\ufeffa: 1\n", "---\na: 1\n", "a: 1\r\n",
		"# about\n---\n# about\na: 1\n...\n# about\n",
		strings.Repeat("[", yamlfile.MaxDepth) + strings.Repeat("]", yamlfile.MaxDepth),
		strings.Repeat("- ", yamlfile.MaxDepth) + "x",
		"a: [" + strings.Repeat("[],", 1000) + "]\n",
		strings.Repeat("- {a: [b], c: {d: e}}\n", 5000),
		`a: "` + strings.Repeat("[", 1000) + `"` + "\nb: |\n  \"" + strings.Repeat("[", 1000) + "\n# " + strings.Repeat("[", 1000),
	} {
		body, fault := yamlfile.Parse([]byte(text))
		if fault != nil || body == nil {
			t.Errorf("%.60q: %v, %+v", text, body, fault)
		}
	}
}

func TestAnEmptyFileHasNoBody(t *testing.T) {
	for _, text := range []string{"", "\ufeff", "\n\n", "# nothing\n", "---\n", "---\n# nothing\n", "null\n", "~", "--- null\n...\n"} {
		if body, fault := yamlfile.Parse([]byte(text)); fault != nil || body != nil {
			t.Errorf("%q: %v, %+v", text, body, fault)
		}
	}
}

// Each fault has its line and column.
func TestFaults(t *testing.T) {
	for _, row := range []struct {
		text string
		want yamlfile.Fault
	}{
		{"a: \xff", yamlfile.Fault{Text: "the file is not UTF-8 text"}},
		{"\xff\xfea\x00:\x00", yamlfile.Fault{Text: "the file is not UTF-8 text"}},
		{strings.Repeat("#", yamlfile.MaxBytes+1), yamlfile.Fault{Text: "the file is over 1 MiB"}},
		{strings.Repeat("[", 200_000), yamlfile.Fault{Text: "the file has more than 100000 lines, brackets and other signs"}},
		{strings.Repeat("[", 1000), yamlfile.Fault{Line: 1, Column: 65, Text: "this is nested more than 64 deep; nest it less"}},
		{strings.Repeat("- ", 1000), yamlfile.Fault{Line: 1, Column: 129, Text: "this is nested more than 64 deep; nest it less"}},
		{"a: [1\n", yamlfile.Fault{Line: 1, Column: 4, Text: "this is not valid YAML from here on"}},
		{"a: 1\n---\nb: 2\n", yamlfile.Fault{Line: 2, Column: 1, Text: "this is a second document; keep one"}},
		{"%YAML 1.2\n---\na: 1\n", yamlfile.Fault{Line: 1, Column: 1, Text: "this is a directive; remove the line"}},
		{"a: 1\n...\nb: 2\n", yamlfile.Fault{Line: 3, Column: 1, Text: "this is a second document; keep one"}},
		{"---\n---\nb: 2\n", yamlfile.Fault{Line: 2, Column: 1, Text: "this is a second document; keep one"}},
		{"a:\n" + strings.Repeat(" - ", 1) + strings.Repeat("[", 64), yamlfile.Fault{Line: 2, Column: 66, Text: "this is nested more than 64 deep; nest it less"}},
		{strings.Repeat("&a ", 101), yamlfile.Fault{Line: 1, Column: 301, Text: "there are more than 100 anchors, aliases and tags; write the values out"}},
	} {
		_, fault := yamlfile.Parse([]byte(row.text))
		if fault == nil || *fault != row.want {
			t.Errorf("%.60q: %+v, want %+v", row.text, fault, row.want)
		}
	}
}

// A large file of any tokens is refused early, or needs little memory.
func TestParseBoundsMemory(t *testing.T) {
	indented := func(line string) string {
		var b strings.Builder
		for i := 0; b.Len() < yamlfile.MaxBytes; i++ {
			b.WriteString(strings.Repeat(" ", i) + line + "\n")
		}
		return b.String()[:yamlfile.MaxBytes]
	}
	full := func(piece string) string { return strings.Repeat(piece, yamlfile.MaxBytes/len(piece)) }
	for name, text := range map[string]string{
		"lists": full("["), "mappings": full("{"), "named mappings": full("{a: "), "named lists": full("[a: "), "entries": full("- "),
		"entries of lists": full("- ["), "keys": full("? "), "keys of lists": full("? ["), "values": full(": "), "quoted": full(`["`), "half quoted": full("['[\n"),
		"anchors": full("&a "), "tags": full("!a "), "aliases": full("*a "), "aliases in a list": "a: &a 1\nb: [" + full("*a,")[:1<<19],
		"indented names": indented("a:"), "indented entries": indented("-"), "indented keys": indented("?"), "indented lists": indented("["),
		"closed lists": "[" + full("[],")[:1<<19], "closed again": full("]["), "lines": full("- x\n"), "names": full("a: b\n"), "documents": full("---\n"), "comments": full("#\n"), "breaks": full("\n"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = yamlfile.Parse([]byte(text))
		runtime.ReadMemStats(&after)
		if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; taken > 100 {
			t.Errorf("%s: %d MiB were allocated", name, taken)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: 1\n", "- [a, {b: c}]\n", "? a\n: &b *b\n<<: c", "a: |\n  x\n", "'a': \"\\x41\"\n---\n", "%YAML 1.2\n---\n!!a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		body, fault := yamlfile.Parse([]byte(text))
		if fault != nil {
			return
		}
		if depth := depthOf(body); depth > yamlfile.MaxDepth+2 {
			t.Errorf("%d deep", depth)
		}
	})
}

// depthOf returns how deep lists and mappings nest.
func depthOf(n ast.Node) int {
	deepest := 0
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, entry := range n.Values {
			deepest = max(deepest, depthOf(entry.Key), depthOf(entry.Value))
		}
	case *ast.MappingKeyNode:
		return depthOf(n.Value)
	case *ast.SequenceNode:
		for _, element := range n.Values {
			deepest = max(deepest, depthOf(element))
		}
	default:
		return 0
	}
	return deepest + 1
}
