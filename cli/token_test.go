package cli

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"conductor-jwt/internal/fault"
)

func inUTF16(text string, mark bool) string {
	var out strings.Builder
	if mark {
		out.WriteString("\xff\xfe")
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		out.WriteByte(byte(unit))
		out.WriteByte(byte(unit >> 8))
	}
	return out.String()
}

// White space around a token is dropped; anything else is refused and named.
func TestTokenText(t *testing.T) {
	token := "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln" // alg HS256, iss a
	parts := strings.Split(token, ".")
	half := len(parts[0]) + 5
	for name, c := range map[string]struct{ text, found, hint string }{
		"alone":                         {token, "", ""},
		"a line break behind it":        {token + "\r\n\n", "", ""},
		"white space around it":         {" \t\n\u00a0" + token + " \u200b\n", "", ""},
		"a byte order mark":             {"\ufeff\n" + token, "", ""},
		"flattened json":                {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `","x":1}`, "", ""},
		"nothing":                       {"\n", "there is no token", "compact form"},
		"UTF-16 with a mark":            {inUTF16(token, true), "text in UTF-16", "UTF-8"},
		"UTF-16 without one":            {inUTF16(token, false), "text in UTF-16", "UTF-8"},
		"UTF-16 of the other order":     {"\x00e\x00y\x00J", "text in UTF-16", "UTF-8"},
		"DER":                           {"0\x82\x01\x22\x00\xff", "binary data", "--key"},
		"a second token":                {token + "\n" + token, "more than one token", "one token"},
		"a second token behind a comma": {token + "," + token, "more than one token", "one token"},
		"a second one that is broken":   {token + "\nnot.a.token\n", "more than one token", "one token"},
		"a token and a jwe":             {token + "\na.b.c.d.e\n", "more than one token", "one token"},
		"wrapped":                       {token[:half] + "\n" + token[half:], "line breaks or spaces inside the token", "join its lines"},
		"wrapped in many lines":         {strings.Join(strings.SplitAfter(token, "i"), "\r\n  "), "line breaks or spaces inside the token", "join its lines"},
		"Bearer":                        {"Bearer " + token, "the scheme of an Authorization header", "without Bearer"},
		"bearer and a tab":              {"bearer\t" + token, "the scheme of an Authorization header", "without Bearer"},
		"DPoP":                          {"DPoP " + token, "the scheme of an Authorization header", "without Bearer"},
		"JWT":                           {"JWT " + token, "the scheme of an Authorization header", "without Bearer"},
		"a header":                      {"Authorization: Bearer " + token, "an Authorization header", "without Authorization:"},
		"a header without a space":      {"authorization:Bearer " + token, "an Authorization header", "without Authorization:"},
		"double quotes":                 {`"` + token + `"`, "quotes around the token", "without quotes"},
		"a comma behind the quotes":     {`"` + token + `",`, "quotes around the token", "without quotes"},
		"single quotes":                 {`'` + token + `'`, "quotes around the token", "without quotes"},
		"an assignment":                 {"export TOKEN=" + token, "text beside the token", "alone"},
		"an assignment alone":           {"TOKEN=" + token, "text before the token", "alone"},
		"a link":                        {"https://example.com/#id_token=" + token, "text before the token", "alone"},
		"an answer with access_token":   {`{"access_token": "` + token + `", "expires_in": 60}`, "a JSON object with a token in its member access_token", "jq -r .access_token"},
		"an answer with id_token":       {`{"access_token": "ya29.x", "id_token": "` + token + `"}`, "a JSON object with a token in its member id_token", "jq -r .id_token"},
		"what sign prints as json":      {`{"token": "` + token + `", "header": {}, "payload": {}}`, "a JSON object with a token in its member token", "jq -r .token"},
		"an opaque access_token":        {`{"access_token": "ya29.x"}`, "a JSON object whose access_token is not a JWT", "only a JWT"},
		"a token further down":          {`{"outputData": {"token": "` + token + `"}}`, "a JSON object with a token in one of its members", "alone"},
		"another object":                {`{"a": 1}`, "a JSON object without a token", "compact form"},
		"an array":                      {`["` + token + `"]`, "a JSON array", "without brackets"},
		"general json":                  {`{"payload":"P","signatures":[]}`, "a JWS in General JSON Serialization", "compact form"},
		"a jwe in json":                 {`{"ciphertext":"x"}`, "an encrypted token", "decrypt"},
		"a jwk":                         {`{"kty":"RSA"}`, "this is a JWK", "--key"},
		"a jwk set":                     {`{"keys":[]}`, "a JWK Set", "--jwks"},
		"a pem key":                     {"text\n-----BEGIN PUBLIC KEY-----\nAA\n", "PEM text, a key or a certificate", "--key"},
		"an ssh key":                    {"ssh-ed25519 AAAA me", "an SSH public key", "--key"},
		"words":                         {"no token here", "this is not a JWT", "three parts"},
		"an unprotected header":         {`{"payload":"P","protected":"H","signature":"S","header":{}}`, "the unprotected header is not signed", "compact form"},
		"flattened without a part":      {`{"payload":"P","protected":"H"}`, "no string member", "compact form"},
		"a part that is no string":      {`{"payload":1,"protected":"H","signature":"S"}`, "no string member", "compact form"},
		"JSON that ends":                {`{"access_token":`, "the JSON ends too early", "whole"},
		"json with a member twice":      {`{"token":"a","token":"b"}`, "appears twice", "keep one"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tokenText([]byte(c.text))
			if c.found == "" {
				if err != nil || got != token {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			refusal, ok := errors.AsType[*fault.Error](err)
			if !ok || !strings.Contains(refusal.Found, c.found) || !strings.Contains(refusal.Hint, c.hint) {
				t.Fatalf("%q, %v", got, err)
			}
			if strings.Contains(err.Error(), token[:12]) {
				t.Errorf("quotes the token: %v", err)
			}
		})
	}
}
