package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Glob is a pattern that is held against a whole text, not a part of it: *
// stands for any characters but /, none included, and ** for any characters;
// neither stands for one that is [Hidden]. Everything else stands for itself;
// there is no escape.
type Glob string

// Match reports whether the text is one that the pattern describes. Its time
// grows with the product of both lengths, at most.
func (g Glob) Match(text string) bool {
	pieces := g.pieces()
	ends := make([]bool, len(text)+1) // where the pieces so far may end
	ends[0] = true
	for _, piece := range pieces {
		if piece == star || piece == stars {
			spread(ends, text, piece == stars)
			continue
		}
		next := make([]bool, len(ends))
		for at, reached := range ends {
			if reached && strings.HasPrefix(text[at:], piece) {
				next[at+len(piece)] = true
			}
		}
		ends = next
	}
	return ends[len(text)]
}

const star, stars = "*", "**"

// pieces cuts the pattern into stars and the text between them.
func (g Glob) pieces() []string {
	var list []string
	for text := string(g); text != ""; {
		n := len(text) - len(strings.TrimLeft(text, star))
		switch {
		case n >= 2:
			list = append(list, stars)
		case n == 1:
			list = append(list, star)
		default:
			if n = strings.Index(text, star); n < 0 {
				n = len(text)
			}
			list = append(list, text[:n])
		}
		text = text[n:]
	}
	return list
}

// spread lets what a star may stand for follow each end.
func spread(ends []bool, text string, slashes bool) {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if ends[at] && !Hidden(r) && (slashes || r != '/') {
			ends[at+size] = true
		}
		at += size
	}
}

// Hidden reports whether a character is a control, a line or paragraph
// separator, or an invisible one, such as a zero-width space or a change of
// direction: a text with it reads as another one to people and to parsers.
func Hidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// matchAny reports whether one of the patterns describes the text.
func matchAny(globs []Glob, text string) bool {
	for _, g := range globs {
		if g.Match(text) {
			return true
		}
	}
	return false
}
