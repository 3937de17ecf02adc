package keys

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minExposed is how many characters a secret text has at least that is looked
// for: a shorter one is in too many texts by chance.
const minExposed = 8

// addShort adds a secret text that is shorter than a run, as it is and in
// base64, whose padding is a delimiter. White space around it, such as the line end of a file, is none of it.
func (c *collector) addShort(text string) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) < minExposed || len(text) >= exposedRun {
		return
	}
	c.short = append(c.short, text, base64.RawStdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)))
}

// standsIn reports whether a word is in a text as a whole: with neither a
// letter nor a digit before or behind it that would make it part of another.
func standsIn(text, word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(word):])
		inWord := isWordRune(before) && isWordRune(first) || isWordRune(last) && isWordRune(after)
		if !inWord {
			return true
		}
		at++
	}
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
