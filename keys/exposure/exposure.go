// Package exposure tells whether a text gives a key away.
package exposure

import (
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
)

// Parts are the private parts of keys, and the secrets that open them.
type Parts struct {
	Words []string // secrets that are text: passwords, HMAC secrets
	Bytes [][]byte // the private bytes of keys
}

// Secrets are what a text must not hold. They print as a function's address.
// The zero Secrets find nothing.
type Secrets struct {
	find func(text string) bool
}

// New prepares the search for parts: for every run of 24 characters of them,
// in clear or in base64, and for words of 8 to 23 characters as a whole.
// Shorter words are in too many texts by chance, and are not looked for.
func New(parts Parts) Secrets {
	words := func() []string { return parts.Words }
	hasWord, hasRun, hasDigits := findWords(parts.Words), findRuns(words), findRuns(sync.OnceValue(parts.digits))
	return Secrets{find: func(text string) bool {
		if holdsPrivateKey(text) || hasWord(text) || hasRun(text) {
			return true
		}
		plain := base64Digits(text)
		return hasDigits(plain) || anyDecoding(plain, func(raw string) bool { return holdsPrivateKey(raw) || hasWord(raw) })
	}}
}

// digits are the parts as a text in base64 has them.
func (p Parts) digits() []string {
	var digits []string
	for _, word := range p.Words {
		digits = append(append(digits, base64Digits(word)), encodings([]byte(word))...)
	}
	for _, raw := range p.Bytes {
		digits = append(digits, encodings(raw)...)
	}
	return digits
}

// In reports whether text gives one of the secrets away, or a private key of
// any kind: the armour of one, or a JWK with a private member. It reads text as
// it stands, and with the escapes of JSON and of URLs (RFC 3986 §2.1) undone.
func (s Secrets) In(text string) bool {
	if s.find == nil {
		return false
	}
	return s.find(text) ||
		strings.Contains(text, `\`) && s.find(unescapeJSON(text)) ||
		strings.Contains(text, "%") && s.find(unescapeURL(text))
}

// encodings are the base64 digits of raw at each of the three places in a
// group of digits at which it may begin.
func encodings(raw []byte) []string {
	var out []string
	for skipped := range min(3, len(raw)) {
		out = append(out, base64.RawStdEncoding.EncodeToString(raw[skipped:]))
	}
	return out
}

// anyDecoding reports whether match holds for what digits encode, from each of
// the four digits at which a group may begin.
func anyDecoding(digits string, match func(raw string) bool) bool {
	for from := range min(4, len(digits)) {
		part := digits[from:]
		if len(part)%4 == 1 { // the last digit encodes no byte
			part = part[:len(part)-1]
		}
		if raw, err := base64.RawStdEncoding.DecodeString(part); err == nil && match(string(raw)) {
			return true
		}
	}
	return false
}

// base64Digits keeps the digits of base64 alone, with those of base64url
// replaced: line ends, quotes and padding then hide nothing.
func base64Digits(text string) string {
	digits := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c == '-':
			digits = append(digits, '+')
		case c == '_':
			digits = append(digits, '/')
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/':
			digits = append(digits, c)
		}
	}
	return string(digits)
}

// unescapeJSON undoes the escapes of JSON strings, however often a text was
// escaped, and drops every other backslash.
func unescapeJSON(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for text != "" {
		plain, after, found := strings.Cut(text, `\`)
		out.WriteString(plain)
		text = strings.TrimLeft(after, `\`)
		if !found || text == "" {
			break
		}
		switch text[0] {
		case 'n', 'r', 't':
			out.WriteByte('\n')
			text = text[1:]
		case 'u':
			if c, err := strconv.ParseUint(text[1:min(len(text), 5)], 16, 16); err == nil && len(text) >= 5 {
				out.WriteRune(rune(c))
				text = text[5:]
			}
		}
	}
	return out.String()
}

// unescapeURL undoes the percent-encoding of text and leaves alone what is
// none.
func unescapeURL(text string) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(c))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}
