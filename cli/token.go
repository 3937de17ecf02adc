package cli

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/signer"
)

// tokenText returns the compact token in a file or a stream: the text without
// surrounding white space and byte order mark, or the compact form of a JWS in
// Flattened JSON Serialization. It refuses anything else with an error that says
// what it is: a token with other text around it, several tokens, a key. It also
// refuses line breaks inside a token, as [signer.Decode] does: otherwise one
// token would have several texts.
func tokenText(raw []byte) (string, error) {
	if isUTF16(raw) {
		return "", notAlone("this is text in UTF-16", "save it as UTF-8")
	}
	text := string(bytes.TrimFunc(raw, printable.IsBlank))
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", notAlone("this is binary data, such as a key in DER", "give a JWT; a key goes with --key")
	}
	if text == "" {
		return "", notAlone("there is no token", compactForm)
	}
	switch text[0] {
	case '{':
		return tokenInObject(text)
	case '[':
		return "", notAlone("this is a JSON array", "give one token alone, without brackets and quotes")
	case '"', '\'', '`':
		return "", notAlone("there are quotes around the token", "give the token without quotes")
	}
	return text, checkAlone(text)
}

// isUTF16 detects a byte order mark, or "ey" in two bytes each.
func isUTF16(raw []byte) bool {
	for _, start := range []string{"\xff\xfe", "\xfe\xff", "e\x00y\x00", "\x00e\x00y"} {
		if bytes.HasPrefix(raw, []byte(start)) {
			return true
		}
	}
	return false
}

const compactForm = "give a JWT in compact form, three parts separated by dots"

func notAlone(found, hint string) error {
	return &fault.Error{Reason: signer.ErrFormat, Found: found, Hint: hint}
}

// checkAlone refuses text around a token. [signer.Decode] judges a single word without
// a token in it.
func checkAlone(text string) error {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
	switch first := strings.ToLower(words[0]); {
	case strings.Contains(text, "-----BEGIN "):
		return notAlone("this is PEM text, a key or a certificate", "give a JWT; a key goes with --key")
	case strings.HasPrefix(first, "ssh-") || strings.HasPrefix(first, "ecdsa-"):
		return notAlone("this is an SSH public key", "give a JWT; a key goes with --key")
	case strings.HasPrefix(first, "authorization:"):
		return notAlone("this is an Authorization header", "give the token alone, without Authorization: and Bearer")
	case len(words) > 1 && (first == "bearer" || first == "dpop" || first == "jwt"):
		return notAlone("the scheme of an Authorization header stands before the token", "give the token alone, without Bearer")
	case len(words) == 1:
		if i := strings.Index(text, "eyJ"); i > 0 && strings.ContainsAny(text[:i], "=:?&/") && looksLikeJWT(text[i:]) {
			return notAlone("there is text before the token", "give the token alone")
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
		return notAlone("there is more than one token", "give one token")
	case strings.HasPrefix(words[0], "eyJ") && strings.Count(text, ".") == 2:
		return notAlone("there are line breaks or spaces inside the token", "join its lines, for example with tr -d '[:space:]'")
	case strings.Contains(text, "eyJ"):
		return notAlone("there is text beside the token", "give the token alone")
	}
	return notAlone("this is not a JWT", compactForm)
}

func looksLikeJWT(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") >= 2
}

// tokenInObject reads a JWS in Flattened JSON Serialization (RFC 7515 §7.2.2),
// as step's verify and inspect do. Its error says what any other object is.
func tokenInObject(text string) (string, error) {
	o, err := jsonobj.Parse([]byte(text), jsonobj.Limits{Bytes: signer.MaxToken})
	switch {
	case err != nil:
		return "", err
	case o.Has("protected") || o.Has("signature"):
		return flattened(&o)
	case o.Has("ciphertext"):
		return "", &fault.Error{Reason: signer.ErrEncrypted, Found: "this is an encrypted token (JWE in JSON)", Hint: "decrypt it first"}
	case o.Has("signatures"):
		return "", notAlone("this is a JWS in General JSON Serialization", "give the token in compact form")
	case o.Has("kty"):
		return "", notAlone("this is a JWK", "give a JWT; a key goes with --key")
	case o.Has("keys"):
		return "", notAlone("this is a JWK Set", "give a JWT; a JWK Set goes with --jwks")
	}
	names := []string{"access_token", "id_token", "token", "refresh_token", "client_assertion", "assertion", "jwt"}
	for _, name := range names {
		if value, _ := o.Text(name); looksLikeJWT(value) {
			return "", notAlone("this is a JSON object with a token in its member "+name, "give that token alone, for example with jq -r ."+name)
		}
	}
	for _, name := range names {
		if o.Has(name) {
			return "", notAlone("this is a JSON object whose "+name+" is not a JWT", "only a JWT can be read here")
		}
	}
	if strings.Contains(text, `"eyJ`) {
		return "", notAlone("this is a JSON object with a token in one of its members", "give that token alone")
	}
	return "", notAlone("this is a JSON object without a token", compactForm)
}

// flattened returns the compact form of a JWS. It refuses an unprotected header,
// which the compact form cannot hold, and ignores other members, as RFC 7515
// §7.2.1 demands.
func flattened(o *jsonobj.Object) (string, error) {
	parts := make([]string, 0, 3)
	for _, name := range []string{"protected", "payload", "signature"} {
		part, ok := o.Text(name)
		if !ok {
			return "", &fault.Error{Reason: signer.ErrFormat, Field: name, Found: "there is no string member of this name", Hint: "give the token in compact form"}
		}
		parts = append(parts, part)
	}
	if o.Has("header") {
		return "", &fault.Error{Reason: signer.ErrFormat, Field: "header", Found: "the unprotected header is not signed", Hint: "give the token in compact form"}
	}
	return strings.Join(parts, "."), nil
}
