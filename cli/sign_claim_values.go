package cli

import (
	"encoding/json"
	"encoding/json/jsontext"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"conductor-jwt/signer"
)

// nameAndValue splits at the first =, as step does.
func nameAndValue(flag, text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	switch {
	case !ok:
		return "", "", usage("write --"+flag+" name=value", "--%s: no = between name and value", flag)
	case strings.TrimSpace(name) == "":
		return "", "", usage("write --"+flag+" name=value", "--%s: no name before =", flag)
	}
	return name, value, nil
}

// normal writes a JSON value as step's encoder would, members in the order of
// their names and strings without needless escapes, but for numbers, which
// keep their digits.
func normal(raw json.RawMessage) json.RawMessage {
	value := slices.Clone(raw)
	if err := value.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return raw // it was read before, so this cannot be
	}
	return value
}

// sameClaim compares by meaning: numbers by value, one audience with a list of
// it (RFC 7519 §4.1.3).
func sameClaim(name string, a, b json.RawMessage) bool {
	if string(a) == string(b) {
		return true
	}
	if name == "aud" {
		return sameAudience(a, b)
	}
	if signer.TypeName(a) != "number" || signer.TypeName(b) != "number" {
		return false
	}
	// An exponent that a float cannot hold would make the exact comparison
	// as long as its value is.
	for _, n := range []json.RawMessage{a, b} {
		if _, err := strconv.ParseFloat(string(n), 64); err != nil {
			return false
		}
	}
	x, okX := new(big.Rat).SetString(string(a))
	y, okY := new(big.Rat).SetString(string(b))
	return okX && okY && x.Cmp(y) == 0
}

func sameAudience(a, b json.RawMessage) bool {
	var x, y signer.Object
	x.Set("aud", a)
	y.Set("aud", b)
	listX, okX := signer.Audiences(&x)
	listY, okY := signer.Audiences(&y)
	return okX && okY && slices.Equal(listX, listY)
}

// checkTypes holds the registered claims to the types of RFC 7519 §4.1,
// wherever they came from: no verifier takes a token that does not.
func checkTypes(claims *signer.Object) error {
	for _, name := range []string{"iss", "sub", "jti"} {
		if raw, ok := claims.Get(name); ok && signer.TypeName(raw) != "string" {
			return wrongType(name, raw, "a string")
		}
	}
	if raw, ok := claims.Get("aud"); ok {
		if _, good := signer.Audiences(claims); !good {
			return wrongType("aud", raw, "a string or an array of strings")
		}
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		raw, ok := claims.Get(name)
		if !ok {
			continue
		}
		if signer.TypeName(raw) != "number" {
			return wrongType(name, raw, "a number of seconds since 1970")
		}
		at, err := signer.NumericDate(raw)
		if err == nil {
			_, err = inRange(at.Unix())
		}
		if err != nil {
			return withHint(fmt.Errorf("%s: past the year 9999, or in milliseconds", name), "a token's times are in seconds since 1970")
		}
	}
	return nil
}

func wrongType(name string, raw json.RawMessage, want string) error {
	return withHint(fmt.Errorf("%s: a json %s", name, signer.TypeName(raw)), name+" is "+want+" (rfc 7519 section 4.1)")
}

// quoteName makes a member's name fit to print.
func quoteName(name string) string { return strconv.Quote(shown(name)) }
