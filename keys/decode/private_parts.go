package decode

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ssh"
)

// Parts are the private parts of keys.
type Parts struct {
	Words []string // secrets that are text
	Bytes [][]byte // private numbers, and what stands between them
}

// PrivateParts gives what is private in the text of a key of any form. What a
// key file says in clear (ids, the public half, certificates) is not. A text
// that is no key is private as a whole.
func PrivateParts(text string) Parts {
	var p Parts
	p.addKey(text)
	return p
}

// addKey adds what is private in a key text of any form.
func (p *Parts) addKey(text string) {
	if !isJSON(text) {
		p.addPEM(text)
		return
	}
	m, err := readMembers(text)
	if err != nil {
		p.addBrokenJSON(text)
		return
	}
	p.addMembers(m)
	if m.has("keys") {
		set, err := readSet(m)
		if err != nil {
			p.addBrokenJSON(text)
			return
		}
		for _, k := range set {
			p.addMembers(k.members)
		}
	}
}

// privateMembers are the members of a JWK that hold private numbers (RFC 7518
// §6, RFC 9964 §5).
func privateMembers() []string { return []string{"d", "p", "q", "dp", "dq", "qi", "k", "priv"} }

// addMembers adds the private members of a JWK and whatever is armoured, such
// as the private_key of a service account; its other members are no secrets.
func (p *Parts) addMembers(m members) {
	for _, name := range privateMembers() {
		if value, ok, _ := m.text(name); ok {
			p.addMember(value)
		}
	}
	for name := range m {
		if value, ok, _ := m.text(name); ok && (name == "private_key" || isArmoured(value)) {
			p.addPEM(value)
		}
	}
}

// addMember adds a number of a JWK, or the secret of an oct one, which may be
// words.
func (p *Parts) addMember(value string) {
	p.addShort(value)
	if raw, ok := decodeStrict(value, base64.URLEncoding); ok {
		value = string(raw)
	}
	p.Words = append(p.Words, value)
}

// addShort adds a text that is looked for as a whole alone.
func (p *Parts) addShort(text string) {
	if len(text) < 24 {
		p.Words = append(p.Words, text)
	}
}

// addBrokenJSON does the same for text that cannot be read as JSON: no token
// will come of it, but what is in it says why.
func (p *Parts) addBrokenJSON(text string) {
	pieces := strings.Split(text, `"`)
	for i, piece := range pieces {
		if isArmoured(piece) {
			p.addPEM(piece)
		}
		if slices.Contains(privateMembers(), piece) && i+2 < len(pieces) && strings.TrimSpace(pieces[i+1]) == ":" {
			p.addMember(pieces[i+2])
		}
	}
}

// addPEM adds the private blocks of PEM, or the whole of any other text.
func (p *Parts) addPEM(text string) {
	blocks, err := scanArmour(text)
	if err == nil && len(blocks) > 0 {
		for _, b := range groupBlocks(blocks).private {
			p.addBlock(b.body)
		}
		return
	}
	if raw, ok := anyBase64(text); ok {
		p.addShort(text) // which may be a word all the same
		p.Bytes = append(p.Bytes, cutPublic(raw)...)
		return
	}
	p.Words = append(p.Words, text)
}

func (p *Parts) addBlock(body string) {
	raw, ok := decodeBase64(body)
	if !ok {
		p.Words = append(p.Words, body)
		return
	}
	p.Bytes = append(p.Bytes, cutPublic(raw)...)
}

// cutPublic cuts out of the bytes of a key what everybody may know: its public
// half, which a JWK or a certificate shows in the same digits, and the names of
// its type in front, which all keys of the type share. Nothing is cut out of an
// encrypted key but the beginning of OpenSSH's, which holds its public half.
func cutPublic(raw []byte) [][]byte {
	private := raw
	var public [][]byte
	if f, err := splitOpenSSH(raw); err == nil {
		// The section begins with 8 random bytes, too few to be found alone.
		const before = 16
		private = raw[len(raw)-len(f.Rest)-len(f.Private)-before:]
		public = append(longFields(f.Public), f.Public)
	} else {
		if k, err := splitPKCS8(raw); err == nil {
			private = raw[bytes.Index(raw, k.key):]
			public = append(public, k.public)
			raw = k.key
		}
		public = append(public, publicNumbers(raw)...)
	}
	pieces := [][]byte{private}
	slices.SortFunc(public, func(a, b []byte) int { return len(b) - len(a) })
	for _, half := range public {
		if len(half) > 0 {
			pieces = cutOut(pieces, half)
		}
	}
	return pieces
}

// cutOut splits pieces at every place of part.
func cutOut(pieces [][]byte, part []byte) [][]byte {
	var out [][]byte
	for _, piece := range pieces {
		out = append(out, bytes.Split(piece, part)...)
	}
	return out
}

// publicNumbers are what is public in the DER of a private key: the modulus of
// an RSA key, the point of an EC key, and what an expanded ML-DSA key begins
// with, rho (FIPS 204 §4, algorithm 24).
func publicNumbers(der []byte) [][]byte {
	switch shapeOf(der) {
	case shapePKCS1:
		s, _ := wholeSequence(der)
		var n cryptobyte.String
		if s.SkipASN1(cbasn1.INTEGER) && s.ReadASN1(&n, cbasn1.INTEGER) {
			return [][]byte{bytes.TrimLeft(n, "\x00")}
		}
	case shapeSEC1:
		if k, err := splitSEC1(der); err == nil {
			return [][]byte{k.public}
		}
	}
	s := cryptobyte.String(der)
	var both, expanded cryptobyte.String
	if s.ReadASN1(&both, cbasn1.SEQUENCE) && both.SkipASN1(cbasn1.OCTET_STRING) && both.ReadASN1(&expanded, cbasn1.OCTET_STRING) && len(expanded) > 32 {
		return [][]byte{expanded[:32]}
	}
	return nil
}

// longFields are the fields of an SSH public key that are long enough to be
// numbers of it (RFC 4253 §6.6).
func longFields(blob []byte) [][]byte {
	var out [][]byte
	for len(blob) > 0 {
		var f struct {
			First []byte
			Rest  []byte `ssh:"rest"`
		}
		if ssh.Unmarshal(blob, &f) != nil {
			break
		}
		if len(f.First) >= 32 {
			out = append(out, f.First)
		}
		blob = f.Rest
	}
	return out
}
