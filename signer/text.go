package signer

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
)

// TokenText gives the compact token that a file or a stream holds: the text
// without white space and byte order mark around it, or the compact form of a
// JWS in Flattened JSON Serialization. A token in another wrapping, a second
// token and what is a key are refused by their names. Line breaks inside a
// token are refused too: two texts of one token are two tokens to whoever
// compares or revokes them.
func TokenText(raw []byte) (string, error) {
	if isUTF16(raw) {
		return "", notAlone("text in UTF-16", "save it as UTF-8")
	}
	text := string(bytes.TrimFunc(raw, isSpace))
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", notAlone("binary data, such as a key in DER", "give a JWT; a key goes with --key")
	}
	if text == "" {
		return "", noToken()
	}
	switch text[0] {
	case '{':
		return tokenInObject(text)
	case '[':
		return "", notAlone("a JSON array", "give one token alone, without brackets and quotes")
	case '"', '\'', '`':
		return "", notAlone("quotes around the token", "give the token without quotes")
	}
	return text, checkAlone(text)
}

// isSpace knows white space, and what is invisible at the ends of a text.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' }

// isUTF16 knows a byte order mark, or "ey" in two bytes each.
func isUTF16(raw []byte) bool {
	for _, start := range []string{"\xff\xfe", "\xfe\xff", "e\x00y\x00", "\x00e\x00y"} {
		if bytes.HasPrefix(raw, []byte(start)) {
			return true
		}
	}
	return false
}

func notAlone(found, hint string) error {
	return &fault.Error{Reason: ErrFormat, Found: found, Hint: hint}
}

// checkAlone refuses what stands around a token. What is one word and has no
// token in it is left to [Decode].
func checkAlone(text string) error {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
	switch first := strings.ToLower(words[0]); {
	case strings.Contains(text, "-----BEGIN "):
		return notAlone("PEM text, a key or a certificate", "give a JWT; a key goes with --key")
	case strings.HasPrefix(first, "ssh-") || strings.HasPrefix(first, "ecdsa-"):
		return notAlone("an SSH public key", "give a JWT; a key goes with --key")
	case strings.HasPrefix(first, "authorization:"):
		return notAlone("an Authorization header", "give the token alone, without Authorization: and Bearer")
	case len(words) > 1 && (first == "bearer" || first == "dpop" || first == "jwt"):
		return notAlone("the scheme of an Authorization header before the token", "give the token alone, without Bearer")
	case len(words) == 1:
		if i := strings.Index(text, "eyJ"); i > 0 && strings.ContainsAny(text[:i], "=:?&/") && looksLikeJWT(text[i:]) {
			return notAlone("text before the token", "give the token alone")
		}
		return nil
	}
	tokens := 0
	for _, word := range words {
		if strings.Count(word, ".") >= 2 {
			tokens++
		}
	}
	switch {
	case tokens > 1:
		return notAlone("more than one token", "give one token")
	case strings.HasPrefix(words[0], "eyJ") && strings.Count(text, ".") == 2:
		return notAlone("line breaks or spaces inside the token", "join its lines, for example with tr -d '[:space:]'")
	case strings.Contains(text, "eyJ"):
		return notAlone("text beside the token", "give the token alone")
	}
	return notAlone("text, not a JWT", compactForm)
}

func looksLikeJWT(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") >= 2
}

// tokenInObject reads a JWS in Flattened JSON Serialization (RFC 7515 §7.2.2),
// which step's verify and inspect take too, and names any other object.
func tokenInObject(text string) (string, error) {
	o, err := jsonobj.Parse([]byte(text), jsonobj.Limits{Bytes: MaxToken})
	switch {
	case err != nil:
		return "", err
	case o.Has("protected") || o.Has("signature"):
		return flattened(&o)
	case o.Has("ciphertext"):
		return "", encryptedToken("jwe in json")
	case o.Has("signatures"):
		return "", notAlone("a JWS in General JSON Serialization", "give the token in compact form")
	case o.Has("kty"):
		return "", notAlone("a JWK", "give a JWT; a key goes with --key")
	case o.Has("keys"):
		return "", notAlone("a JWK Set", "give a JWT; a JWK Set goes with --jwks")
	}
	names := []string{"access_token", "id_token", "token", "refresh_token", "client_assertion", "assertion", "jwt"}
	for _, name := range names {
		if value, _ := o.Text(name); looksLikeJWT(value) {
			return "", notAlone("a JSON object with a token in its member "+name, "give that token alone, for example with jq -r ."+name)
		}
	}
	for _, name := range names {
		if o.Has(name) {
			return "", notAlone("a JSON object whose "+name+" is not a JWT", "only a JWT can be read here")
		}
	}
	if strings.Contains(text, `"eyJ`) {
		return "", notAlone("a JSON object with a token in one of its members", "give that token alone")
	}
	return "", notAlone("a JSON object without a token", compactForm)
}

// flattened gives the compact form of a JWS. An unprotected header has no
// place there and is refused; other members are passed over, as RFC 7515
// §7.2.1 demands.
func flattened(o *jsonobj.Object) (string, error) {
	parts := make([]string, 0, 3)
	for _, name := range []string{"protected", "payload", "signature"} {
		part, ok := o.Text(name)
		if !ok {
			return "", &fault.Error{Reason: ErrFormat, Field: name, Found: "no string member of that name", Hint: "give the token in compact form"}
		}
		parts = append(parts, part)
	}
	if o.Has("header") {
		return "", &fault.Error{Reason: ErrFormat, Field: "header", Found: "an unprotected header", Hint: "nothing vouches for it; give the token in compact form"}
	}
	return strings.Join(parts, "."), nil
}
