package keys

import (
	"strings"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/decode"
	"conductor-jwt/keys/exposure"
)

// Ref says which key to use: text of a task, or the name of a configured key.
type Ref struct {
	Name  string      // a configured key; empty for inline text
	Text  secret.Text // the key itself, in any form that [Parser] reads
	KeyID string      // chooses a key of a JWKS
	// Algorithm is the requested algorithm, where it is known. It chooses among
	// the keys of a JWK Set, and is not checked otherwise.
	Algorithm Algorithm
	Password  secret.Text // opens an encrypted key
	Encoding  Encoding    // reads Text as an HMAC secret

	// Delivered is Conductor's runtimeMetadata, for conductor:NAME.
	Delivered map[string]secret.Text
}

// Warning returns a warning about a key that can be read; empty for none.
// Editors and echo end a file with a line break, which then is part of a raw
// secret, and is not on the other side.
func (r Ref) Warning() string {
	text := r.Text.Reveal()
	if r.Encoding != EncodingRaw || strings.TrimRight(text, "\r\n") == text {
		return ""
	}
	if _, err := decode.Secret(text, string(r.Encoding)); err != nil {
		return ""
	}
	return "the HMAC secret ends in a line break, which counts as a part of it; most secrets have none"
}

// Encoding says how the text of an HMAC secret is encoded; empty means that the
// text is no HMAC secret.
type Encoding string

// The encodings of an HMAC secret.
const (
	EncodingRaw       Encoding = "raw"
	EncodingBase64    Encoding = "base64"
	EncodingBase64URL Encoding = "base64url"
	EncodingHex       Encoding = "hex"
)

// Secrets prepares the search for text of r that must not be in a token: the
// private parts of its key and of every delivered key, its password or its HMAC
// secret; and others, which are secrets that come with it. What a key file has in
// clear (ids, the public half, certificates) is not searched for.
func (r Ref) Secrets(others ...string) exposure.Secrets {
	all := exposure.Parts{Words: append([]string{r.Password.Reveal()}, others...)}
	add := func(p exposure.Parts) {
		all.Words, all.Bytes = append(all.Words, p.Words...), append(all.Bytes, p.Bytes...)
	}
	text := r.Text.Reveal()
	if r.Encoding == "" {
		add(decode.PrivateParts(text))
	} else {
		all.Words = append(all.Words, text)
		if raw, err := decode.Secret(text, string(r.Encoding)); err == nil && r.Encoding != EncodingRaw {
			all.Words = append(all.Words, string(raw))
		}
	}
	for _, delivered := range r.Delivered {
		add(decode.PrivateParts(delivered.Reveal()))
	}
	return exposure.New(all)
}
