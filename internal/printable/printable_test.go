package printable_test

import (
	"strings"
	"testing"

	"conductor-jwt/internal/printable"
)

// A name from a key set or a token can neither end a line, nor speak to a
// terminal, nor be read as another one.
func TestTextFromOutsideIsEscaped(t *testing.T) {
	for text, escaped := range map[string]string{
		"\n": `\n`, "\r": `\r`, "\x1b[31m": `\x1b[31m`, "\x7f": `\x7f`, "\u009b": `\u009b`, "\u202e": `\u202e`, "\u2066": `\u2066`,
		"\u200b": `\u200b`, "\u2028": `\u2028`, "\ufeff": `\ufeff`, "\u00ad": `\u00ad`, "\xff": `\ufffd`, "\U000e0001": `\U000e0001`,
	} {
		want := "a" + escaped + "b"
		for name, got := range map[string]string{
			"Line":  printable.Line("a" + text + "b"),
			"Name":  printable.Name("a" + text + "b"),
			"ASCII": printable.ASCII("a"+text+"b", 64),
		} {
			if got != want {
				t.Errorf("%s(%q) = %q, want %q", name, text, got, want)
			}
		}
	}
}

func TestTextThatPrintsStaysAsItIs(t *testing.T) {
	const text = `Grüße "é" \ 😀.pem`
	if got := printable.Line(text); got != text {
		t.Errorf("Line: %q", got)
	}
	if got := printable.Name(text); got != text {
		t.Errorf("Name: %q", got)
	}
	if got, want := printable.ASCII(text, 100), `Gr\u00fc\u00dfe \"\u00e9\" \\ \U0001f600.pem`; got != want {
		t.Errorf("ASCII: %q, want %q", got, want)
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("z", 64):           strings.Repeat("z", 64),
		strings.Repeat("z", 65):           strings.Repeat("z", 64) + "…",
		strings.Repeat("z", 63) + "é":     strings.Repeat("z", 63) + "…",
		strings.Repeat("z", 60) + "\x1b[": strings.Repeat("z", 60) + `\x1b…`,
		strings.Repeat("z", 61) + "\x1b[": strings.Repeat("z", 61) + "…",
	} {
		if got := printable.Name(text); got != want {
			t.Errorf("Name(%q) = %q, want %q", text, got, want)
		}
		text, want = strings.ReplaceAll(text, "é", "zz"), strings.TrimSuffix(want, "…")
		if got := printable.ASCII(text, 64); !strings.HasPrefix(got, want) || len(got) > 64 {
			t.Errorf("ASCII(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCountPutsTheNounIntoThePlural(t *testing.T) {
	for want, got := range map[string]string{
		"1 key": printable.Count(1, "key"), "2 keys": printable.Count(2, "key"), "0 members": printable.Count(0, "member"),
		"1 entry": printable.Count(1, "entry"), "3 entries": printable.Count(3, "entry"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
