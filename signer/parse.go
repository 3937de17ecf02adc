package signer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
)

// Parsed is a parsed token. Nothing in it has been verified.
type Parsed struct {
	Header    jsonobj.Object
	Algorithm string // alg; may be none, and empty after [Decode]
	KeyID     string // kid; empty if absent
	Type      string // typ; empty if absent

	Payload   json.RawMessage // any JSON value, byte for byte
	Claims    jsonobj.Object  // the payload, if it is an object
	IsClaims  bool            // the payload is an object
	Signature []byte

	input string // the JWS signing input (RFC 7515 §5.1 step 5)
}

// Parse reads a token to verify. It is [Decode], and refuses unsigned tokens,
// critical header parameters, unencoded payloads and a payload that is not a
// claims set.
func Parse(token string) (Parsed, error) {
	p, err := Decode(token)
	if err != nil {
		return Parsed{}, err
	}
	if err := p.checkHeader(); err != nil {
		return Parsed{}, err
	}
	if !p.IsClaims {
		return Parsed{}, &fault.Error{
			Reason: ErrPayload, Field: "payload", Found: "this is of JSON type " + jsonobj.TypeName(p.Payload),
			Hint: "the claims of a JWT are a JSON object (RFC 7519 section 7.2)",
		}
	}
	return p, nil
}

func (p *Parsed) checkHeader() error {
	for _, name := range []string{"alg", "kid", "typ"} {
		if err := p.checkString(name); err != nil {
			return err
		}
	}
	if strings.EqualFold(strings.TrimSpace(p.Algorithm), "none") {
		return &fault.Error{Reason: ErrUnsigned, Field: "alg", Found: "the token is unsigned", Hint: "only signed tokens can be verified (RFC 8725 section 3.2)"}
	}
	if p.Header.Has("b64") {
		return &fault.Error{Reason: ErrCritical, Field: "b64", Found: "this header parameter is for unencoded payloads", Hint: "a JWT must not use b64 (RFC 7797 section 7)"}
	}
	if p.Header.Has("crit") {
		return &fault.Error{Reason: ErrCritical, Field: "crit", Found: "the header has critical parameters", Hint: "none is supported, so the token must be refused (RFC 7515 section 4.1.11)"}
	}
	if len(p.Signature) == 0 {
		return &fault.Error{Reason: ErrUnsigned, Field: "signature", Found: "the signature is empty", Hint: "copy the token whole"}
	}
	return nil
}

// checkString checks the types of alg, which is required, and of kid and typ
// (RFC 7515 §4.1.1, 4.1.4, 4.1.9).
func (p *Parsed) checkString(name string) error {
	value, ok := p.Header.Get(name)
	if !ok {
		if name != "alg" {
			return nil
		}
		return &fault.Error{Reason: ErrHeader, Field: name, Found: "this is not in the header", Hint: "a JWS header names its algorithm (RFC 7515 section 4.1.1)"}
	}
	if _, ok := jsonobj.String(value); ok {
		return nil
	}
	return &fault.Error{Reason: ErrHeader, Field: name, Found: "this is of JSON type " + jsonobj.TypeName(value), Hint: name + " is a string (RFC 7515 section 4.1)"}
}

// Decode reads a compact JWS to show it. It checks the form: the size before
// anything is decoded, three parts, canonical base64url without padding (RFC
// 7515 §2, RFC 4648 §3.5), JSON by the rules of [jsonobj.Parse], a header that
// is an object. It accepts unsigned tokens, extensions and any JSON as payload;
// [Parse] does not.
func Decode(token string) (Parsed, error) {
	parts, err := split(token)
	if err != nil {
		return Parsed{}, err
	}
	var p Parsed
	if err := p.decodeHeader(parts[0]); err != nil {
		return Parsed{}, fault.In("header", err)
	}
	if err := p.decodePayload(parts[1]); err != nil {
		return Parsed{}, fault.In("payload", err)
	}
	if p.Signature, err = decodeSegment(parts[2]); err != nil {
		return Parsed{}, fault.In("signature", err)
	}
	p.input = token[:len(parts[0])+1+len(parts[1])]
	return p, nil
}

// Compact returns the token as it was read.
func (p *Parsed) Compact() string {
	return p.input + "." + base64.RawURLEncoding.EncodeToString(p.Signature)
}

func split(token string) ([]string, error) {
	if len(token) > MaxToken {
		return nil, &fault.Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("the token has %d bytes", len(token)),
			Hint: fmt.Sprintf("at most %d bytes are read", MaxToken),
		}
	}
	dots := strings.Count(token, ".")
	switch {
	case token == "":
		return nil, &fault.Error{Reason: ErrFormat, Found: "there is no token", Hint: "give a JWT in compact form, three parts separated by dots"}
	case dots == 4:
		return nil, &fault.Error{Reason: ErrEncrypted, Found: "the token is encrypted (JWE, five parts)", Hint: "decrypt it first"}
	case dots != 2:
		return nil, &fault.Error{
			Reason: ErrFormat, Found: fmt.Sprintf("this is not a JWT: expected three parts separated by dots, found %d", dots+1),
			Hint: "copy the token whole (RFC 7515 section 7.1)",
		}
	}
	return strings.SplitN(token, ".", 3), nil
}

func (p *Parsed) decodeHeader(part string) error {
	raw, err := decodeSegment(part)
	if err != nil {
		return err
	}
	if p.Header, err = jsonobj.Parse(raw, jsonobj.Limits{}); err != nil {
		return err
	}
	p.Algorithm, _ = p.Header.Text("alg")
	p.KeyID, _ = p.Header.Text("kid")
	p.Type, _ = p.Header.Text("typ")
	return nil
}

func (p *Parsed) decodePayload(part string) error {
	raw, err := decodeSegment(part)
	if err != nil {
		return err
	}
	p.Payload = raw
	if p.IsClaims = jsonobj.TypeName(raw) == "object"; p.IsClaims {
		p.Claims, err = jsonobj.Parse(raw, jsonobj.Limits{})
		return err
	}
	_, err = jsonobj.Compact(raw, jsonobj.Limits{}) // checks it
	return err
}

// decodeSegment decodes base64url without padding, white space and bits beyond
// its last octet: otherwise one token would have several texts, and a
// comparison or a revocation list would miss some of them.
func decodeSegment(part string) ([]byte, error) {
	if i := strings.IndexFunc(part, isNotBase64URL); i >= 0 {
		found := fmt.Sprintf("the character at byte %d is not base64url", i)
		if part[i] == '=' {
			found = "the base64url has padding"
		}
		return nil, &fault.Error{Reason: ErrEncoding, Found: found, Hint: "use base64url without padding (RFC 7515 section 2)"}
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, &fault.Error{Reason: ErrEncoding, Found: "the base64url has an impossible length, or extra bits at its end", Hint: "copy the token whole"}
	}
	return raw, nil
}

func isNotBase64URL(r rune) bool {
	switch {
	case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
		return false
	}
	return true
}
