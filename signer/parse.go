package signer

import (
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
