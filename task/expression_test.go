package task

import (
	"encoding/json/jsontext"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conductor-jwt/internal/jsonobj"
)

func TestATemplateIsCutAsTheServerCutsIt(t *testing.T) {
	for _, test := range []struct {
		template string
		parts    []segment
	}{
		{"", nil},
		{"a", []segment{{"a", false}}},
		{"${a}", []segment{{"${a}", true}}},
		{"x${a}y", []segment{{"x", false}, {"${a}", true}, {"y", false}}},
		{"${a}${b}", []segment{{"${a}", true}, {"${b}", true}}},
		{"${a.${b}}c", []segment{{"${a.${b}}", true}, {"c", false}}},
		{"${a[?(@.b=='{}')]}", []segment{{"${a[?(@.b=='{}')]}", true}}},
		{"$${a}", []segment{{"${a}", false}}},
		{"${a", []segment{{"${a", false}}},
		{"$a}", []segment{{"$a}", false}}},
		{"${a${b}", []segment{{"${a", false}, {"${b}", true}}},
		{"{${a}}", []segment{{"{", false}, {"${a}", true}, {"}", false}}},
		{"$$${a}", []segment{{"$${a}", false}}},
		{"$${a${b}}", []segment{{"${a", false}, {"${b}", true}, {"}", false}}},
		{"}${a}{", []segment{{"}", false}, {"${a}", true}, {"{", false}}},
		{"é${ü}", []segment{{"é", false}, {"${ü}", true}}},
	} {
		if got := segments(test.template); !reflect.DeepEqual(got, test.parts) {
			t.Errorf("%q is cut into %v, want %v", test.template, got, test.parts)
		}
	}
}

func TestOnlyALoneExpressionMayBeQuoted(t *testing.T) {
	for template, want := range map[string]bool{
		"${workflow.secrets.jwt-privatekey}":        true,
		"${workflow.input['a b']}":                  false, // white space
		"${workflow.secrets.a}${b}":                 false,
		" ${workflow.secrets.a}":                    false,
		"$${workflow.secrets.a}":                    false,
		"hunter2":                                   false,
		"${é}":                                      false,
		"${a\x1b[31m}":                              false,
		"${" + strings.Repeat("a", 200) + "}":       false,
		"${-----BEGIN PRIVATE KEY-----\nMII...\n}":  false,
		"${workflow.input.Items[?(@.id=='x')].key}": true,
	} {
		if quotable(template) != want {
			t.Errorf("quotable(%q) = %t", template, !want)
		}
	}
}

// Templates of expressions between words that do not look like null.
func drawTemplate(t *rapid.T) (template string, fill func(values []string) string) {
	words := rapid.SliceOfN(rapid.StringMatching(`[a-k/:.-]{0,4}`), 1, 5).Draw(t, "words")
	template = strings.Join(words, "${workflow.input.x}")
	return template, func(values []string) string {
		var b strings.Builder
		for i, w := range words {
			if i > 0 {
				b.WriteString(values[i-1])
			}
			b.WriteString(w)
		}
		return b.String()
	}
}

func TestANullInATextIsAlwaysFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		template, fill := drawTemplate(t)
		n := strings.Count(template, "${")
		values := rapid.SliceOfN(rapid.StringMatching(`[a-z/]{0,5}`), n, n).Draw(t, "values")
		hasNull := false
		if n > 0 && rapid.Bool().Draw(t, "null") {
			values[rapid.IntRange(0, n-1).Draw(t, "at")], hasNull = nothing, true
		}
		value := fill(values)
		got := unresolvedText(template, jsonobj.Value{Kind: jsontext.KindString, Text: value})
		if hasNull && !got {
			t.Fatalf("%q in the place of %q is not found", value, template)
		}
		if got && !strings.Contains(value, nothing) {
			t.Fatalf("%q in the place of %q is taken for unresolved", value, template)
		}
	})
}
