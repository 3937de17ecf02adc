package decode

import (
	"bytes"
	"encoding/json/jsontext"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys/exposure"
)

// PrivateParts returns what is private in the text of a key of any form. What a
// key file has in clear (ids, the public half, certificates) is left out. In
// JSON that are the members of [isPublicMember]; every other string is private,
// so that a new form of a key is found without a line here. A text that is no
// key is private as a whole.
func PrivateParts(text string) exposure.Parts {
	var p privateParts
	p.addKey(text)
	return p.Parts
}

// privateParts collects the private parts of a key.
type privateParts struct{ exposure.Parts }

// addKey adds what is private in a key text of any form.
func (p *privateParts) addKey(text string) {
	if !isJSON(text) {
		p.addPEM(text)
		return
	}
	v, err := jsonobj.ParseValue([]byte(trimStart(text)), jsonobj.Limits{Bytes: len(text), Levels: jsonobj.MaxLevels, Values: len(text)})
	if err != nil {
		p.addBrokenJSON(text)
		return
	}
	p.addJSON("", v)
}

// addJSON adds the private strings of a JSON value, at every depth; name is that
// of the member that holds it.
func (p *privateParts) addJSON(name string, v jsonobj.Value) {
	switch v.Kind {
	case jsontext.KindString:
		p.addMember(name, v.Text)
	case jsontext.KindBeginArray:
		for _, item := range v.Items {
			p.addJSON(name, item)
		}
	case jsontext.KindBeginObject:
		_, isJWK := v.Get("kty")
		for name, item := range v.Members() {
			if isJWK && item.Kind == jsontext.KindString && !isArmoured(item.Text) && !slices.Contains(exposure.PrivateMembers(), name) {
				continue // a member that says something about the key (RFC 7517 §4)
			}
			p.addJSON(name, item)
		}
	}
}

// addMember adds a member that is not public: a key in PEM or DER, or a number
// or a secret, which is searched for as it is and decoded. Armour is read in
// every member.
func (p *privateParts) addMember(name, value string) {
	if isArmoured(value) {
		p.addPEM(value)
		return
	}
	if isPublicMember(name) {
		return
	}
	raw, ok := anyBase64(value)
	if ok && shapeOf(raw) != shapeUnknown {
		p.addPEM(value)
		return
	}
	p.Words = append(p.Words, value)
	if ok {
		p.Words = append(p.Words, string(raw))
	}
}

// isPublicMember reports whether a member of a JSON key file is not private: the
// parameters of a JWK that are public (RFC 7517 §4, RFC 7518 §6, RFC 9964 §5),
// the issuer that some sets name, and those of Google's service account files.
func isPublicMember(name string) bool {
	switch name {
	case "kty", "use", "key_ops", "alg", "kid", "x5u", "x5c", "x5t", "x5t#S256",
		"crv", "x", "y", "n", "e", "pub",
		"iss", "issuer",
		"type", "project_id", "quota_project_id", "private_key_id", "client_email", "client_id", "auth_uri", "token_uri",
		"auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain":
		return true
	}
	return false
}

// addShort adds a text that is only searched for as a whole.
func (p *privateParts) addShort(text string) {
	if len(text) < exposure.MinRun {
		p.Words = append(p.Words, text)
	}
}

// addBrokenJSON adds the same parts of text that is not valid JSON. No token
// will be made of it, but the error should say that a claim holds a key.
func (p *privateParts) addBrokenJSON(text string) {
	pieces := strings.Split(text, `"`)
	for i, piece := range pieces {
		isValue := i >= 2 && strings.TrimSpace(pieces[i-1]) == ":"
		switch {
		case isValue:
			p.addMember(pieces[i-2], piece)
		case isArmoured(piece):
			p.addPEM(piece)
		}
	}
}

// addPEM adds the private blocks of PEM, or else the whole text.
func (p *privateParts) addPEM(text string) {
	blocks, err := scanArmour(text)
	if err == nil && len(blocks) > 0 {
		for _, b := range groupBlocks(blocks).private {
			p.addBlock(b.body)
		}
		return
	}
	if raw, ok := anyBase64(text); ok {
		p.addShort(text) // a word may be valid base64, too
		p.Bytes = append(p.Bytes, cutPublic(raw)...)
		return
	}
	p.Words = append(p.Words, text)
}

func (p *privateParts) addBlock(body string) {
	raw, ok := decodeBase64(body)
	if !ok {
		p.Words = append(p.Words, body)
		return
	}
	p.Bytes = append(p.Bytes, cutPublic(raw)...)
}

// cutPublic returns the bytes of a key without its public half, which a JWK or
// a certificate has in the same base64 digits, and without the header in front,
// which all keys of a type share. Of an encrypted key only the beginning of
// OpenSSH's is removed, which has the public half.
func cutPublic(raw []byte) [][]byte {
	private := raw
	var public [][]byte
	if f, err := splitOpenSSH(raw); err == nil {
		// The private section begins with 8 random bytes, which are too few to be found without the bytes in front.
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
		if len(half) >= 16 { // a shorter one could split the private bytes of a damaged key
			pieces = cutOut(pieces, half)
		}
	}
	return pieces
}

// cutOut splits pieces at every occurrence of part.
func cutOut(pieces [][]byte, part []byte) [][]byte {
	var out [][]byte
	for _, piece := range pieces {
		out = append(out, bytes.Split(piece, part)...)
	}
	return out
}

// publicNumbers returns the public parts of the DER of a private key: the
// modulus of an RSA key, the point of an EC key, and rho, with which an
// expanded ML-DSA key begins (FIPS 204 §4, algorithm 24).
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

// longFields returns the fields of an SSH public key that are long enough to be
// its numbers (RFC 4253 §6.6).
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
