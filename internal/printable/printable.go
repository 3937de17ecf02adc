// Package printable makes text from outside fit for a message, a log line or a
// terminal: it can end no line, and hide or reorder nothing. It also removes
// from a text what shows nothing, and writes a number with its noun.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the length in bytes of the longest name that is shown whole.
const maxName = 64

// Line returns text on one line. What does not print ([unicode.IsPrint]), or is
// not UTF-8, is written as an escape of a Go string literal.
func Line(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, isHidden) {
		return text
	}
	line, _ := escape(text, -1, isHidden)
	return line
}

// Name returns the name of something as [Line] does, cut after 64 bytes.
func Name(name string) string {
	line, whole := escape(name, maxName, isHidden)
	if !whole {
		line += "…"
	}
	return line
}

// ASCII returns text as it stands between the quotes of a Go string literal in
// ASCII, where look-alikes can be told apart. It has at most maxBytes, and no
// escape is cut.
func ASCII(text string, maxBytes int) string {
	line, _ := escape(text, maxBytes, func(r rune) bool {
		return r < ' ' || r > '~' || r == '"' || r == '\\'
	})
	return line
}

func isHidden(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// IsBlank reports white space, and invisible characters that a copy from a web
// page or another system may have: a byte order mark, a zero width space, a
// soft hyphen.
func IsBlank(r rune) bool {
	return unicode.IsSpace(r) || r > unicode.MaxASCII && unicode.Is(unicode.Cf, r)
}

// Squeeze returns text without the characters of [IsBlank].
func Squeeze(text string) string {
	return strings.Join(strings.FieldsFunc(text, IsBlank), "")
}

// escape writes those characters as escapes for which odd is true. It stops
// before maxBytes, if that is not negative, and reports whether it wrote all.
func escape(text string, maxBytes int, odd func(rune) bool) (line string, whole bool) {
	var b strings.Builder
	for _, r := range text {
		piece := string(r)
		switch {
		case r == '"' && odd(r):
			piece = `\"`
		case odd(r):
			quoted := strconv.QuoteRuneToASCII(r)
			piece = quoted[1 : len(quoted)-1]
		}
		if maxBytes >= 0 && b.Len()+len(piece) > maxBytes {
			return b.String(), false
		}
		b.WriteString(piece)
	}
	return b.String(), true
}

// Count returns a number with its noun: "1 key", "2 keys", "2 entries".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.ContainsAny(stem[len(stem)-1:], "aeiou") {
		return strconv.Itoa(n) + " " + stem + "ies"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
