package keys

import (
	"conductor-jwt/keys/decode"
	"conductor-jwt/keys/exposure"
)

// Secrets prepares the search for text of r that must not be in a token: the
// private parts of its key and of every delivered key, its password or its HMAC
// secret. What a key file has in clear (ids, the public half, certificates) is
// not searched for.
func (r Ref) Secrets() exposure.Secrets {
	parts := exposure.Parts{Words: []string{r.Password.Reveal()}}
	add := func(p decode.Parts) {
		parts.Words, parts.Bytes = append(parts.Words, p.Words...), append(parts.Bytes, p.Bytes...)
	}
	text := r.Text.Reveal()
	if r.Encoding == "" {
		add(decode.PrivateParts(text))
	} else {
		parts.Words = append(parts.Words, text)
		if raw, err := decode.Secret(text, string(r.Encoding)); err == nil && r.Encoding != EncodingRaw {
			parts.Words = append(parts.Words, string(raw))
		}
	}
	for _, delivered := range r.Delivered {
		add(decode.PrivateParts(delivered.Reveal()))
	}
	return exposure.New(parts)
}
