package task

import (
	"encoding/json/jsontext"
	"fmt"
	"slices"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/signer"
)

// claims returns the claims of the input claims in their order, digits kept.
func (v *inputValues) claims(s scopes) (jsonobj.Object, error) {
	claims, err := v.object(inClaims)
	if err != nil {
		return claims, err
	}
	for _, in := range v.table {
		if in.claim != "" && claims.Has(in.claim) {
			return claims, invalid(inClaims, "the member "+in.claim+" may not be set here", "remove it; "+in.Name+" is for that")
		}
	}
	if len(s.list) > 0 && claims.Has(s.claim) {
		return claims, refuse(errInputConflict, inClaims, inScopes+" sets the member "+s.claim+" too", "leave one of the two out")
	}
	return claims, nil
}

// headers returns the header parameters of the input headers.
func (v *inputValues) headers() (jsonobj.Object, error) {
	headers, err := v.object(inHeaders)
	if err != nil {
		return headers, err
	}
	for m := range headers.Members() {
		if slices.Contains(reservedHeaders(), m.Name) {
			return headers, invalid(inHeaders, "the member "+m.Name+" may not be set here", insteadOf(m.Name))
		}
	}
	for _, name := range []string{"typ", "cty"} { // RFC 7515 §4.1.9, §4.1.10
		value, ok := v.values[inHeaders].Get(name)
		if ok && (value.Kind != jsontext.KindString || value.Text == "") {
			return headers, invalid(inHeaders, "the member "+name+" is "+describe(value), "write a media type as a string, or leave it out")
		}
	}
	return headers, nil
}

// reservedHeaders are the header members that no task may set: what the signer
// itself says, and where a verifier would fetch a key that the token names
// (RFC 8725 §3.10).
func reservedHeaders() []string { return append(signer.ReservedHeaders(), "jku", "x5u") }

// insteadOf says which input sets a reserved header member.
func insteadOf(header string) string {
	switch header {
	case "alg":
		return "remove it; " + inAlgorithm + " is for that"
	case "kid":
		return "remove it; " + inPrivateKeyID + " is for that"
	case signer.HeaderX5C, signer.HeaderX5T, signer.HeaderX5TS256, signer.HeaderX5CInsecure:
		return "remove it; " + inCertificate + " is for that"
	}
	return "remove it"
}

// object reads an input that is an object within the limits of claims.
func (v *inputValues) object(name string) (jsonobj.Object, error) {
	n, ok := v.values[name]
	if !ok {
		return jsonobj.Object{}, nil
	}
	object := n.Object()
	if size := len(object.AppendJSON(nil)); size > maxClaims {
		return object, tooLarge(name, fmt.Sprintf("this has %d bytes of JSON", size), fmt.Sprintf("write at most %d", maxClaims))
	}
	return object, nil
}
