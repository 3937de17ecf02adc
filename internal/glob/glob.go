// Package glob matches texts with the patterns of grants and profiles, and checks that
// a URL is written in the one way that a pattern can be trusted to match.
package glob

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern matches whole texts. * matches any characters but /, and ** any
// characters; neither matches one that is [Hidden]. Every other character
// matches itself; there is no escape.
type Pattern string

// Match reports whether the pattern matches the text. A star may match nothing.
// The time is at most proportional to the product of both lengths.
func (p Pattern) Match(text string) bool { return p.match(text, true) }

// MatchFilled is Match where each star matches at least one character.
func (p Pattern) MatchFilled(text string) bool { return p.match(text, false) }

func (p Pattern) match(text string, empty bool) bool {
	ends := make([]bool, len(text)+1) // where a match of the pieces so far may end
	ends[0] = true
	for _, piece := range p.pieces() {
		if piece == star || piece == doubleStar {
			ends = extend(ends, text, piece == doubleStar, empty)
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

const star, doubleStar = "*", "**"

// pieces cuts the pattern into stars and the text between them.
func (p Pattern) pieces() []string {
	var list []string
	for text := string(p); text != ""; {
		n := len(text) - len(strings.TrimLeft(text, star))
		switch {
		case n >= 2:
			list = append(list, doubleStar)
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

// extend returns where a match may end once a star follows.
func extend(ends []bool, text string, slashes, empty bool) []bool {
	next := make([]bool, len(ends))
	if empty {
		copy(next, ends)
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if (ends[at] || next[at]) && !Hidden(r) && (slashes || r != '/') {
			next[at+size] = true
		}
		at += size
	}
	return next
}

// MatchAny reports whether one of the patterns matches the text.
func MatchAny(patterns []Pattern, text string) bool {
	return slices.ContainsFunc(patterns, func(p Pattern) bool { return p.Match(text) })
}

// Hidden reports whether a character is a control, a line or paragraph
// separator, or invisible, such as a zero-width space or a change of direction.
// People and parsers read a text with it as another one.
func Hidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// NotNormal and NormalForm say what was found, and what to do, where [IsNormalURL] is
// false.
const (
	NotNormal  = "the URL is not normalized"
	NormalForm = "write the host in lower-case ASCII, and the path without . and .. segments, //, semicolons and encoded delimiters"
)

// hostCharacters are those of a host and its port, and * for patterns. HTTP clients
// and proxies map others, such as full-width digits, to these (UTS #46).
const hostCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-._:[]*"

// IsNormalURL reports whether a URL is written as it is requested: the host in
// lower-case ASCII, and a path without a segment that a server may resolve to another
// path than the one that a pattern matched. Tomcat drops what follows a semicolon
// before it resolves .., and some proxies decode twice.
func IsNormalURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.String() != text || strings.Trim(u.Host, hostCharacters) != "" {
		return false
	}
	segments := strings.Split(u.EscapedPath(), "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		switch {
		case err != nil, plain == ".", plain == "..", strings.ContainsAny(plain, `/\;%?#`), !utf8.ValidString(plain), strings.ContainsFunc(plain, Hidden):
			return false
		case segment == "" && i > 0 && i < len(segments)-1:
			return false
		}
	}
	return true
}
