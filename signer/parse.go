package signer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
)

// Parse takes apart a token that is to be verified: [Decode], and beyond it
// refuses unsigned tokens, critical and unencoded-payload headers and a
// payload that is not a claims set.
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
			Reason: ErrPayload, Field: "payload", Found: "a json " + jsonobj.TypeName(p.Payload),
			Hint: "the claims of a jwt are a json object (rfc 7519 section 7.2)",
		}
	}
	return p, nil
}

func (p *Parsed) checkHeader() error {
	for _, name := range []string{"alg", "kid", "typ"} {
		if err := p.checkText(name); err != nil {
			return err
		}
	}
	if strings.EqualFold(strings.TrimSpace(p.Algorithm), "none") {
		return &fault.Error{
			Reason: ErrUnsigned, Field: "alg", Found: "an unsigned token",
			Hint: "only signed tokens can be verified (rfc 8725 section 3.2)",
		}
	}
	if p.Header.Has("b64") {
		// RFC 7797 §7: a JWT must not use b64.
		return &fault.Error{Reason: ErrCritical, Field: "b64", Found: "a header that makes the payload unencoded", Hint: "a jwt has no b64 member (rfc 7797 section 7)"}
	}
	if p.Header.Has("crit") {
		// RFC 7515 §4.1.11: none of the extensions is understood here.
		return &fault.Error{Reason: ErrCritical, Field: "crit", Found: "critical header extensions", Hint: "none is understood here, so the token must be refused (rfc 7515 section 4.1.11)"}
	}
	if len(p.Signature) == 0 {
		return &fault.Error{Reason: ErrUnsigned, Field: "signature", Found: "an empty signature", Hint: "copy the token whole"}
	}
	return nil
}

// checkText holds alg, which must be there, and kid and typ, which may, to
// their type (RFC 7515 §4.1.1, 4.1.4, 4.1.9).
func (p *Parsed) checkText(name string) error {
	value, ok := p.Header.Get(name)
	if !ok {
		if name != "alg" {
			return nil
		}
		return &fault.Error{
			Reason: ErrHeader, Field: "header", Found: "no alg member",
			Hint: "a jws header names its algorithm (rfc 7515 section 4.1.1)",
		}
	}
	if _, ok := jsonobj.String(value); ok {
		return nil
	}
	return &fault.Error{
		Reason: ErrHeader, Field: "header", Found: fmt.Sprintf("a %s member that is of json type %s", name, jsonobj.TypeName(value)),
		Hint: name + " is a string (rfc 7515 section 4.1)",
	}
}

// Parsed is a token that was taken apart. Nothing in it has been verified.
type Parsed struct {
	Header    jsonobj.Object
	Algorithm string // alg; may be none, and empty where [Parse] did not look
	KeyID     string // kid; empty without one
	Type      string // typ; empty without one

	Payload   json.RawMessage // any JSON value, byte for byte
	Claims    jsonobj.Object  // the payload, where it is an object
	IsClaims  bool
	Signature []byte

	input string // the JWS signing input (RFC 7515 §5.1 step 5)
}

// Decode takes a compact JWS apart for somebody to look at. It is strict about
// the form: size before anything is decoded, three parts, base64url without
// padding and in its canonical form (RFC 7515 §2, RFC 4648 §3.5), JSON by the
// rules of [jsonobj.Parse], a header that is an object. It takes unsigned tokens,
// extensions and any JSON as payload: what may be verified is up to [Parse].
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

func split(token string) ([]string, error) {
	if len(token) > MaxToken {
		return nil, &fault.Error{
			Reason: ErrTooLarge, Found: fmt.Sprintf("a token of %d bytes", len(token)),
			Hint: fmt.Sprintf("at most %d bytes are read", MaxToken),
		}
	}
	dots := strings.Count(token, ".")
	switch {
	case token == "":
		return nil, noToken()
	case dots == 4:
		return nil, encryptedToken("jwe, five parts")
	case dots != 2:
		return nil, &fault.Error{
			Reason: ErrFormat, Found: fmt.Sprintf("not a JWT: expected three parts separated by dots, found %d", dots+1),
			Hint: "copy the token whole (rfc 7515 section 7.1)",
		}
	}
	return strings.SplitN(token, ".", 3), nil
}

const compactForm = "give a JWT in compact form, three parts separated by dots"

func noToken() error { return &fault.Error{Reason: ErrFormat, Found: "no token", Hint: compactForm} }

func encryptedToken(form string) error {
	return &fault.Error{Reason: ErrEncrypted, Found: "an encrypted token (" + form + ")", Hint: "decrypt it first"}
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
	if jsonobj.TypeName(raw) == "object" {
		p.IsClaims = true
		p.Payload = raw
		p.Claims, err = jsonobj.Parse(raw, jsonobj.Limits{})
		return err
	}
	_, err = jsonobj.Compact(raw, jsonobj.Limits{})
	p.Payload = raw
	return err
}

// decodeSegment decodes base64url that has no padding, no white space and no
// bits beyond its last octet: two texts of one token are two tokens to whoever
// compares or revokes them.
func decodeSegment(part string) ([]byte, error) {
	if i := strings.IndexFunc(part, notBase64URL); i >= 0 {
		found := fmt.Sprintf("a character that is not base64url at byte %d", i)
		if part[i] == '=' {
			found = "base64url with padding"
		}
		return nil, &fault.Error{Reason: ErrEncoding, Found: found, Hint: "use base64url without padding (rfc 7515 section 2)"}
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, &fault.Error{
			Reason: ErrEncoding, Found: "base64url of an impossible length or with stray bits at its end",
			Hint: "copy the token whole",
		}
	}
	return raw, nil
}

func notBase64URL(r rune) bool {
	switch {
	case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
		return false
	}
	return true
}

// Compact is the token as it was read.
func (p *Parsed) Compact() string {
	return p.input + "." + base64.RawURLEncoding.EncodeToString(p.Signature)
}
