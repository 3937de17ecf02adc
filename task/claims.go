package task

import (
	"errors"
	"fmt"

	"conductor-jwt/signer"
)

// claims gives the author's further claims in their order, digits intact.
func (g *given) claims(s scopes) (signer.Object, error) {
	claims, err := g.object(inClaims)
	if err != nil {
		return claims, err
	}
	for _, in := range g.table {
		if in.claim != "" && claims.Has(in.claim) {
			return claims, invalid(inClaims, "a member "+in.claim+", which may not be set here", "remove it; "+in.Name+" is for that")
		}
	}
	if len(s.list) > 0 && claims.Has(s.claim) {
		return claims, refuse(ErrInputConflict, inClaims, "a member "+s.claim+", which "+inScopes+" sets", "leave one of the two out")
	}
	return claims, nil
}

// headers gives the author's further header members.
func (g *given) headers() (signer.Object, error) {
	headers, err := g.object(inHeaders)
	if err != nil {
		return headers, err
	}
	// What the signer itself says, and what a verifier must not be told by a
	// token: which key to trust (RFC 8725 §3.10) or how to read it (RFC 7797 §7).
	for _, row := range []struct{ header, hint string }{
		{"alg", "remove it; " + inAlgorithm + " is for that"},
		{"kid", "remove it; " + inPrivateKeyID + " is for that"},
		{"x5c", "remove it; " + inCertificate + " is for that"},
		{"x5t", "remove it; " + inCertificate + " is for that"},
		{"x5t#S256", "remove it; " + inCertificate + " is for that"},
		{"crit", "remove it"},
		{"b64", "remove it"},
		{"jwk", "remove it"},
		{"jku", "remove it"},
		{"x5u", "remove it"},
	} {
		if headers.Has(row.header) {
			return headers, invalid(inHeaders, "a member "+row.header+", which may not be set here", row.hint)
		}
	}
	for _, name := range []string{"typ", "cty"} { // RFC 7515 §4.1.9, §4.1.10
		value, ok := g.values[inHeaders].get(name)
		if ok && (value.kind != kindString || value.text == "") {
			return headers, invalid(inHeaders, "a member "+name+" that is "+value.describe(), "write a media type as a string, or leave it out")
		}
	}
	return headers, nil
}

// repeated are the claims that a header may repeat (RFC 7519 §5.3).
func (g *given) checkRepeated(claims *signer.Object) error {
	for _, name := range []string{"iss", "sub", "aud"} {
		header, ok := g.values[inHeaders].get(name)
		if !ok {
			continue
		}
		raw, _ := claims.Get(name)
		claim, err := parseNode([]byte(raw), maxLevels)
		if err != nil || !same(header, claim) {
			return refuse(ErrInputConflict, inHeaders, "a member "+name+" that is not the claim "+name, "write the same in both, or leave it out of "+inHeaders)
		}
	}
	return nil
}

// object reads an input that is an object within the limits of claims.
func (g *given) object(name string) (signer.Object, error) {
	n, ok := g.values[name]
	if !ok {
		return signer.Object{}, nil
	}
	object, err := signer.ParseObject(n.raw, signer.Limits{Bytes: 2 * maxClaims, Depth: maxLevels})
	switch {
	case errors.Is(err, signer.ErrTooDeep):
		return object, nodeFault(name, errTooDeep)
	case err != nil:
		return object, nodeFault(name, errNotJSON)
	}
	if size := len(object.AppendJSON(nil)); size > maxClaims {
		return object, tooLarge(name, fmt.Sprintf("%d bytes of json", size), fmt.Sprintf("write at most %d", maxClaims))
	}
	return object, nil
}
