package keys

import (
	"bytes"
	"context"
	"crypto/rsa"
	"strings"
	"sync"
)

// Exposes reports whether text gives away private material: private-key
// armour, a JWK with a private member, or a run of 24 characters of r's key,
// its password or the HMAC secret. What a key file says in clear (ids, the
// public half, certificates) does not count. Text is a string as it will be
// read, or JSON; for several texts, [Ref.Secrets] does the preparation once.
func (r Ref) Exposes(text string) bool { return r.Secrets().In(text) }

// Secrets is what of a Ref must not be found in a text. It prints without it.
type Secrets struct {
	parts []part
}

// part is one secret text, as it came and without white space in the standard
// base64 alphabet, and which bytes of it, decoded, are no secret: asked for
// only where there is something to excuse.
type part struct {
	raw, plain runFinder
	public     func() []span
}

// span is a half-open range of decoded bytes.
type span struct{ from, to int }

// Secrets prepares what Exposes looks for.
func (r Ref) Secrets() Secrets {
	var s Secrets
	s.add(r.Password.Reveal())
	text := r.Text.Reveal()
	if r.Encoding != "" {
		s.add(text)
		if raw, err := decodeSecret(text, r.Encoding); err == nil && r.Encoding != EncodingRaw {
			s.add(string(raw))
		}
	} else {
		s.addKey(text)
	}
	for _, delivered := range r.Delivered {
		s.addKey(delivered.Reveal())
	}
	return s
}

func (s *Secrets) addKey(text string) {
	if isJSON(text) {
		s.addJSON(trimStart(text))
		return
	}
	s.addText(text)
}

// In reports whether text holds one of them, or private material of any kind.
func (s Secrets) In(text string) bool {
	plain := plainText(text)
	if holdsArmour(plain) || holdsPrivateJWK(plain) {
		return true
	}
	for _, p := range s.parts {
		if p.in(text, plain) {
			return true
		}
	}
	return false
}

func (p part) in(text, plain string) bool {
	if p.raw != nil && p.raw(text, nil) {
		return true
	}
	return p.plain(plain, p.isPublic)
}

// isPublic reports whether the run at i, decoded, is public.
func (p part) isPublic(i int) bool {
	if p.public == nil {
		return false
	}
	from, to := i*3/4, (i+exposedRun)*3/4
	for _, s := range p.public() {
		if s.from <= from && to <= s.to {
			return true
		}
	}
	return false
}

func (s *Secrets) add(text string) {
	if len(text) >= exposedRun {
		s.parts = append(s.parts, part{raw: newRunFinder(text), plain: newRunFinder(plainText(text))})
	}
}

// addText adds the private blocks of PEM, or the whole of any other text.
func (s *Secrets) addText(text string) {
	blocks, err := scanArmour(text)
	if err != nil || len(blocks) == 0 {
		s.addBase64(plainText(text))
		return
	}
	for _, b := range sortBlocks(blocks).private {
		s.addBase64(plainText(b.body))
	}
}

func (s *Secrets) addBase64(plain string) {
	if len(plain) < exposedRun {
		return
	}
	s.parts = append(s.parts, part{
		plain:  newRunFinder(plain),
		public: sync.OnceValue(func() []span { return publicSpans(plain) }),
	})
}

// publicSpans finds the public half in the base64 text of an unencrypted key:
// PKCS#1 and SEC1 hold it in the very digits in which a JWK or PEM shows it.
func publicSpans(plain string) []span {
	der, ok := decodeBase64(plain)
	if !ok {
		return nil
	}
	private, _, err := readBinary(context.Background(), der, Ref{})
	if err != nil {
		return nil
	}
	var spans []span
	half := publicBytes(private)
	for at := 0; len(half) > 0; {
		i := bytes.Index(der[at:], half)
		if i < 0 {
			break
		}
		at += i
		// The tags and lengths around it, and the RSA exponent, are public too.
		spans = append(spans, span{at - 12, at + len(half) + 9})
		at += len(half)
	}
	return spans
}

// publicBytes is the public half as the private forms hold it.
func publicBytes(private any) []byte {
	switch p := private.(type) {
	case rsaPSS:
		return p.key.N.Bytes()
	case *rsa.PrivateKey:
		return p.N.Bytes()
	}
	k, err := newLocal(private, meta{})
	if err != nil {
		return nil
	}
	fields, err := publicFields(k)
	if err != nil {
		return nil
	}
	var out []byte
	for _, f := range fields {
		if f.name == "x" || f.name == "y" || f.name == "pub" {
			b, _ := decodeBase64url(f.value) // written just now
			out = append(out, b...)
		}
	}
	return out
}

// addJSON adds the private members of a JWK, of each key of a JWKS, or the key
// of a service account; all of any other object.
func (s *Secrets) addJSON(text string) {
	m, err := readMembers(text)
	if err != nil {
		s.add(text)
		return
	}
	keys := []members{m}
	if m.has("keys") && !m.has("kty") {
		if set, err := readJWKSMembers(m); err == nil {
			keys = set
		}
	}
	for _, k := range keys {
		for _, name := range privateMembers() {
			if value, ok, _ := k.text(name); ok {
				s.add(value)
			}
		}
	}
	if pem, ok, _ := m.text("private_key"); ok {
		s.addText(pem)
	}
}

// privateMembers are those of a JWK that hold private numbers (RFC 7518 §6,
// RFC 9964 §5).
func privateMembers() []string { return []string{"d", "p", "q", "dp", "dq", "qi", "k", "priv"} }

// plainText drops white space and escapes, and writes base64url as base64.
func plainText(text string) string {
	text = squeeze(unescape(text))
	if !strings.ContainsAny(text, `-_\`) {
		return text
	}
	plain := make([]byte, 0, len(text))
	for i := range len(text) {
		switch c := text[i]; c {
		case '-':
			plain = append(plain, '+')
		case '_':
			plain = append(plain, '/')
		case '\\':
		default:
			plain = append(plain, c)
		}
	}
	return string(plain)
}

// holdsArmour finds the begin line of a private key in plain text, in which
// dashes are plus signs.
func holdsArmour(plain string) bool {
	const begin, within = "+++++BEGIN", 64
	for {
		i := strings.Index(plain, begin)
		if i < 0 {
			return false
		}
		plain = plain[i+len(begin):]
		if strings.Contains(plain[:min(within, len(plain))], "PRIVATEKEY") {
			return true
		}
	}
}

// holdsPrivateJWK finds an object that has kty and a private member.
func holdsPrivateJWK(plain string) bool {
	const kty = `"kty":"`
	for at := 0; ; {
		i := strings.Index(plain[at:], kty)
		if i < 0 {
			return false
		}
		at += i
		from := strings.LastIndexByte(plain[:at], '{') + 1
		to := len(plain)
		if end := strings.IndexByte(plain[at:], '}'); end >= 0 {
			to = at + end
		}
		for _, name := range privateMembers() {
			if strings.Contains(plain[from:to], `"`+name+`":"`) {
				return true
			}
		}
		at = max(to, at+len(kty))
	}
}
