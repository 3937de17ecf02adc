package keys

import (
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
)

// Exposes reports whether text gives away private material: private-key
// armour, a JWK with a private member, a run of 24 characters of r's key, its
// password or the HMAC secret, however they are wrapped, escaped or encoded in
// base64, or a secret text of 8 to 23 characters as a whole, alone or between
// delimiters. Shorter ones are not looked for. What a key file says in clear
// (ids, the public half, certificates) does not count. Text is a string as it
// will be read, or JSON; for several texts, [Ref.Secrets] does the preparation
// once.
func (r Ref) Exposes(text string) bool { return r.Secrets().In(text) }

// Secrets is what of a Ref must not be found in a text. It prints without it.
type Secrets struct {
	literal runFinder // secrets as they are
	short   func(text string) bool
	digits  runFinder // in the digits of base64, of which a text keeps nothing else
	excused func(at int) bool
}

// Secrets prepares what Exposes looks for.
func (r Ref) Secrets() Secrets {
	var c collector
	c.addWords(r.Password.Reveal())
	text := r.Text.Reveal()
	if r.Encoding != "" {
		c.addWords(text)
		if raw, err := decodeSecret(text, r.Encoding); err == nil && r.Encoding != EncodingRaw {
			c.addWords(string(raw))
		}
	} else {
		c.addKey(text)
	}
	for _, delivered := range r.Delivered {
		c.addKey(delivered.Reveal())
	}
	return c.secrets()
}

// In reports whether text holds one of them, or private material of any kind.
func (s Secrets) In(text string) bool {
	if s.inReading(text) {
		return true
	}
	if !strings.ContainsAny(text, `\%`) {
		return false
	}
	return s.inReading(strings.ReplaceAll(unescape(text), `\`, "")) || s.inReading(unpercent(text))
}

// inReading looks into one way in which a text can be read.
func (s Secrets) inReading(text string) bool {
	if holdsMark(text) || s.short(text) || s.literal(text, nil) {
		return true
	}
	digits := base64Digits(text)
	return s.digits(digits, s.excused) || s.inDigits(digits)
}

// unpercent undoes the escapes of a web address (RFC 3986 §2.1) and leaves
// alone what is none.
func unpercent(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// inDigits looks for armour, JWKs and short secrets in what base64 digits
// encode, wherever among them it begins.
func (s Secrets) inDigits(digits string) bool {
	for from := range min(4, len(digits)) {
		part := digits[from:]
		if len(part)%4 == 1 { // the last digit encodes no byte
			part = part[:len(part)-1]
		}
		raw, err := base64.RawStdEncoding.DecodeString(part)
		if err == nil && (holdsMark(string(raw)) || s.short(string(raw))) {
			return true
		}
	}
	return false
}

// base64Digits keeps the digits of base64 alone, those of base64url written as
// the others: neither line ends nor quotes nor padding then hide a key.
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

// collector puts the secrets of a Ref together in two texts.
type collector struct {
	literal, digits strings.Builder
	short           []string // secrets that are shorter than a run
	parts           []digitPart
}

// digitPart says where in the digits those of some bytes stand, and which of
// the bytes are no secret: asked for only where there is something to excuse.
type digitPart struct {
	from, to int // digits
	skipped  int // bytes left out in front
	public   func() []span
}

// span is a half-open range of bytes.
type span struct{ from, to int }

// separator is in no run: no text has it, or it is no digit.
const separator = "\x00"

// addWords adds a secret that is text: a password, an HMAC secret.
func (c *collector) addWords(text string) {
	c.addShort(text)
	c.literal.WriteString(text + separator)
	c.digits.WriteString(base64Digits(text) + separator)
	c.addBytes([]byte(text), nil)
}

// addBytes adds a secret that is bytes, in the digits that it has wherever in
// a base64 text it begins.
func (c *collector) addBytes(raw []byte, public func() []span) {
	for skipped := range min(3, len(raw)) {
		digits := base64.RawStdEncoding.EncodeToString(raw[skipped:])
		at := c.digits.Len()
		c.digits.WriteString(digits + separator)
		if public != nil {
			c.parts = append(c.parts, digitPart{at, at + len(digits), skipped, public})
		}
	}
}

func (c *collector) secrets() Secrets {
	return Secrets{
		short:   newShortFinder(c.short),
		literal: newRunFinder(c.literal.String()),
		digits:  newRunFinder(c.digits.String()),
		excused: func(at int) bool { return isPublicRun(c.parts, at) },
	}
}

// isPublicRun reports whether the run of digits at at encodes nothing secret.
func isPublicRun(parts []digitPart, at int) bool {
	for _, p := range parts {
		if at < p.from || at >= p.to {
			continue
		}
		from, to := p.skipped+(at-p.from)*3/4, p.skipped+(at-p.from+exposedRun)*3/4
		for _, s := range p.public() {
			if s.from <= from && to <= s.to {
				return true
			}
		}
	}
	return false
}

// addKey adds what is private in a key text of any form.
func (c *collector) addKey(text string) {
	if !isJSON(text) {
		c.addPEM(text)
		return
	}
	m, err := readMembers(text)
	if err != nil {
		c.addBrokenJSON(text)
		return
	}
	c.addMembers(m)
	if m.has("keys") {
		set, err := readJWKSMembers(m)
		if err != nil {
			c.addBrokenJSON(text)
			return
		}
		for _, k := range set {
			c.addMembers(k)
		}
	}
}

// addMembers adds the private members of a JWK and whatever is armoured, such
// as the private_key of a service account; its other members are no secrets.
func (c *collector) addMembers(m members) {
	for _, name := range privateMembers() {
		if value, ok, _ := m.text(name); ok {
			c.addMember(value)
		}
	}
	for name := range m {
		if value, ok, _ := m.text(name); ok && (name == "private_key" || isArmoured(value)) {
			c.addPEM(value)
		}
	}
}

// addMember adds a number of a JWK, or the secret of an oct one, which may be
// words.
func (c *collector) addMember(value string) {
	raw, ok := decodeStrict(value, base64.URLEncoding)
	if !ok {
		c.addWords(value)
		return
	}
	c.addShort(value)
	c.addShort(string(raw))
	c.literal.WriteString(string(raw) + separator)
	c.addBytes(raw, nil)
}

// addBrokenJSON does the same for text that cannot be read as JSON: no token
// will come of it, but what is in it says why.
func (c *collector) addBrokenJSON(text string) {
	pieces := strings.Split(text, `"`)
	for i, piece := range pieces {
		if isArmoured(piece) {
			c.addPEM(piece)
		}
		for _, name := range privateMembers() {
			if piece == name && i+2 < len(pieces) && strings.TrimSpace(pieces[i+1]) == ":" {
				c.addMember(pieces[i+2])
			}
		}
	}
}

// addPEM adds the private blocks of PEM, or the whole of any other text.
func (c *collector) addPEM(text string) {
	blocks, err := scanArmour(text)
	if err == nil && len(blocks) > 0 {
		for _, b := range sortBlocks(blocks).private {
			c.addBlock(b.body, kindOfLabel(b.label))
		}
		return
	}
	if _, ok := anyBase64(text); ok {
		c.addShort(text) // which may be a word all the same
		c.addBlock(base64Digits(text), labelPrivate)
		return
	}
	c.addWords(text)
}

func (c *collector) addBlock(body string, kind labelKind) {
	raw, ok := decodeBase64(body)
	if !ok {
		c.addWords(body)
		return
	}
	c.addBytes(raw, sync.OnceValue(func() []span { return publicSpans(raw, kind) }))
}
