package keys

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minExposed is how many characters a secret text has at least that is looked
// for: a shorter one is in too many texts by chance.
const minExposed = 8

// addShort adds a secret text that is shorter than a run, as it is and in
// base64, whose padding is a delimiter. White space around it, such as the line
// end of a file, is no part of it.
func (c *collector) addShort(text string) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) < minExposed || len(text) >= exposedRun {
		return
	}
	c.short = append(c.short, text, base64.RawStdEncoding.EncodeToString([]byte(text)), base64url([]byte(text)))
}

// newShortFinder reports whether one of the words is in a text as a whole: with
// neither a letter nor a digit before or behind it that would make it part of
// another. A text is walked once, however many words there are: a JWK Set may
// have thousands.
func newShortFinder(words []string) func(text string) bool {
	known := make(map[string]bool, len(words))
	var lengths []int
	var begins [256]bool // by the first byte: most places are passed over at once
	for _, word := range words {
		known[word], begins[word[0]] = true, true
		lengths = append(lengths, len(word))
	}
	slices.Sort(lengths)
	lengths = slices.Compact(lengths)
	return func(text string) bool {
		if len(lengths) == 0 {
			return false
		}
		for from := 0; from+lengths[0] <= len(text); from++ {
			if !begins[text[from]] || inWord(text, from) {
				continue
			}
			for _, n := range lengths {
				if to := from + n; to <= len(text) && known[text[from:to]] && !inWord(text, to) {
					return true
				}
			}
		}
		return false
	}
}

// inWord reports whether letters or digits stand on both sides of a place.
func inWord(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	behind, _ := utf8.DecodeRuneInString(text[at:])
	return isWordRune(before) && isWordRune(behind)
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
