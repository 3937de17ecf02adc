package exposure

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minWord is how many characters a secret has at least that is searched for:
// a shorter one is in too many texts by chance.
const minWord = 8

// findWords returns a function that reports whether one of the secrets that are
// shorter than a run is in a text as a whole, as it is or in base64: with
// neither a letter nor a digit before or behind it that would make it part of
// another word. White space around a secret, such as the line end of a file, is
// no part of it. A text is walked once, however many secrets there are: a JWK
// Set may have thousands.
func findWords(secrets []string) func(text string) bool {
	known := map[string]bool{}
	var lengths []int
	var begins [256]bool // by the first byte: most places are passed over at once
	for _, secret := range secrets {
		secret = strings.TrimSpace(secret)
		if utf8.RuneCountInString(secret) < minWord || len(secret) >= MinRun {
			continue
		}
		raw := []byte(secret)
		for _, word := range []string{secret, base64.RawStdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)} {
			known[word], begins[word[0]] = true, true
			lengths = append(lengths, len(word))
		}
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
