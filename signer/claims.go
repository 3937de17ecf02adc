package signer

import (
	"encoding/json"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
)

// checkClaims reports every fault of the claims at once.
func checkClaims(p Parsed, rules Rules) error {
	c := claimCheck{claims: &p.Claims, rules: rules}
	c.issuer()
	c.subject()
	c.audience()
	c.tokenType(p.Type)
	c.text("jti")
	c.notBefore()
	c.issuedAt()
	c.expiry()
	c.required()
	return errors.Join(c.faults...)
}

type claimCheck struct {
	claims *jsonobj.Object
	rules  Rules
	faults []error
}

func (c *claimCheck) fault(reason error, claim, hint, format string, args ...any) {
	c.faults = append(c.faults, &fault.Error{Reason: reason, Field: claim, Found: fmt.Sprintf(format, args...), Hint: hint})
}

// issuer compares exactly, as RFC 7519 §4.1.1-4.1.3 demands of all strings.
func (c *claimCheck) issuer() {
	s, state := c.text("iss")
	switch {
	case state == claimInvalid || c.rules.Issuer == "":
	case state == claimAbsent:
		c.fault(ErrIssuer, "iss", "expect no issuer, or ask for a token with one", "the token has no issuer")
	case s != c.rules.Issuer:
		c.fault(ErrIssuer, "iss", "", "this is not the expected issuer")
	}
}

func (c *claimCheck) subject() {
	s, state := c.text("sub")
	switch {
	case state == claimInvalid || c.rules.Subject == "":
	case state == claimAbsent:
		c.fault(ErrSubject, "sub", "", "the token has no subject")
	case s != c.rules.Subject:
		c.fault(ErrSubject, "sub", "", "this is not the expected subject")
	}
}

func (c *claimCheck) audience() {
	list, ok := Audiences(c.claims)
	switch {
	case !ok:
		c.fault(ErrClaimType, "aud", "aud is a string or an array of strings (RFC 7519 section 4.1.3)", "this is neither a string nor an array of strings")
	case len(c.rules.Audiences) == 0:
	case len(list) == 0:
		c.fault(ErrAudience, "aud", "", "the token has no audience")
	case !slices.ContainsFunc(c.rules.Audiences, func(expected string) bool { return slices.Contains(list, expected) }):
		c.fault(ErrAudience, "aud", "", "the token does not have the expected audience")
	}
}

// Audiences reads the aud claim in either form (RFC 7519 §4.1.3). The list is
// empty if the claim is absent; ok is false if it has another type.
func Audiences(claims *jsonobj.Object) (list []string, ok bool) {
	value, ok := claims.Get("aud")
	if !ok {
		return nil, true
	}
	if s, ok := jsonobj.String(value); ok {
		return []string{s}, true
	}
	return jsonobj.Strings(value)
}

func (c *claimCheck) tokenType(typ string) {
	switch {
	case len(c.rules.Types) == 0 || slices.ContainsFunc(c.rules.Types, func(expected string) bool { return MediaType(typ) == MediaType(expected) }):
	case typ == "":
		c.fault(ErrTokenType, "typ", "", "the token has no type")
	default:
		c.fault(ErrTokenType, "typ", "", "this is not the expected token type")
	}
}

// MediaType returns a typ as it is compared: in lower case (RFC 2045 §5.1), and
// without the application/ that it may leave out (RFC 7515 §4.1.9).
func MediaType(typ string) string {
	typ = strings.ToLower(typ)
	if short, ok := strings.CutPrefix(typ, "application/"); ok && !strings.Contains(short, "/") {
		return short
	}
	return typ
}

func (c *claimCheck) notBefore() {
	at, state := c.time("nbf")
	if state == claimValid && at.After(c.rules.Now.Add(c.rules.Leeway)) {
		c.fault(ErrNotYet, "nbf", "wait, or allow a leeway if the clocks differ",
			"the token is not valid before %s, in %s", timestamp(at), inSeconds(at.Sub(c.rules.Now)))
	}
}

func (c *claimCheck) issuedAt() {
	at, state := c.time("iat")
	if c.rules.MaxAge == 0 || state == claimInvalid {
		return
	}
	now := c.rules.Now
	switch {
	case state == claimAbsent:
		c.fault(ErrIssuedAt, "iat", "", "the token does not say when it was issued, so its age is unknown")
	case at.After(now.Add(c.rules.Leeway)):
		c.fault(ErrIssuedAt, "iat", "allow a leeway if the clocks differ", "the token was issued in the future, at %s", timestamp(at))
	case at.Add(c.rules.MaxAge + c.rules.Leeway).Before(now):
		c.fault(ErrTooOld, "iat", "", "the token was issued at %s, %s ago", timestamp(at), inSeconds(now.Sub(at)))
	}
}

// expiry refuses a token from the second of exp on ("on or after", RFC 7519
// §4.1.4).
func (c *claimCheck) expiry() {
	at, state := c.time("exp")
	switch {
	case state == claimInvalid || c.rules.IgnoreExpiry:
	case state == claimAbsent:
		c.fault(ErrNoExpiry, "exp", "a token should expire", "the token never expires")
	case !c.rules.Now.Before(at.Add(c.rules.Leeway)):
		c.fault(ErrExpired, "exp", "get a new token, or allow a leeway if the clocks differ",
			"the token expired at %s, %s ago", timestamp(at), inSeconds(c.rules.Now.Sub(at)))
	}
}

// required checks the claims of [Rules.Required]. Several values of a claim are an
// array, as those of aud are (RFC 7519 §4.1.3).
func (c *claimCheck) required() {
	for _, r := range c.rules.Required {
		raw, ok := c.claims.Get(r.Name)
		if !ok {
			c.fault(ErrRequired, r.Name, "", "the token has no such claim, which is required")
			continue
		}
		// A claims set that was read has no value that cannot be.
		if value, err := jsonobj.ParseValue(raw, jsonobj.Limits{}); err != nil || !r.holds(value) {
			c.fault(ErrRequired, r.Name, "", "this is not a required value")
		}
	}
}

func (r RequiredClaim) holds(value jsonobj.Value) bool {
	candidates := []jsonobj.Value{value}
	if value.Kind == jsontext.KindBeginArray {
		candidates = value.Items
	}
	return slices.ContainsFunc(candidates, func(v jsonobj.Value) bool { return slices.ContainsFunc(r.Values, v.Equal) })
}

type claimState int

const (
	claimAbsent claimState = iota
	claimValid
	claimInvalid // reported already
)

func (c *claimCheck) text(name string) (string, claimState) {
	value, ok := c.claims.Get(name)
	if !ok {
		return "", claimAbsent
	}
	s, ok := jsonobj.String(value)
	if !ok {
		c.fault(ErrClaimType, name, name+" is a string (RFC 7519 section 4.1)", "this is of JSON type %s", jsonobj.TypeName(value))
		return "", claimInvalid
	}
	return s, claimValid
}

func (c *claimCheck) time(name string) (time.Time, claimState) {
	value, ok := c.claims.Get(name)
	if !ok {
		return time.Time{}, claimAbsent
	}
	at, err := NumericDate(value)
	if err != nil {
		c.faults = append(c.faults, fault.In(name, err))
		return time.Time{}, claimInvalid
	}
	return at, claimValid
}

// maxNumericDate is the last second of the year 9999, the last that RFC 3339
// can write. A larger NumericDate is an error, usually milliseconds.
const maxNumericDate = 253402300799

// NumericDate reads a NumericDate (RFC 7519 §2): a JSON number of seconds, with
// or without a fraction or an exponent. The error is an *[fault.Error] of
// [ErrClaimType].
func NumericDate(value json.RawMessage) (time.Time, error) {
	if jsonobj.TypeName(value) != "number" {
		return time.Time{}, &fault.Error{
			Reason: ErrClaimType, Found: "this is of JSON type " + jsonobj.TypeName(value),
			Hint: "a time is a JSON number of seconds (RFC 7519 section 2)",
		}
	}
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		return unixTime(n, 0)
	}
	// A JSON number parses, or is out of range; then f is infinite.
	f, _ := strconv.ParseFloat(string(value), 64)
	if math.IsInf(f, 0) || math.Abs(f) > 2*maxNumericDate {
		return unixTime(math.MaxInt64, 0)
	}
	whole, fraction := math.Modf(f)
	return unixTime(int64(whole), int64(fraction*float64(time.Second)))
}

func unixTime(seconds, nanoseconds int64) (time.Time, error) {
	if seconds > maxNumericDate || seconds < -maxNumericDate {
		return time.Time{}, &fault.Error{
			Reason: ErrClaimType, Found: "this is a time beyond the year 9999",
			Hint: "a time is in seconds, not in milliseconds (RFC 7519 section 2)",
		}
	}
	return time.Unix(seconds, nanoseconds), nil
}

// inSeconds formats a duration without fractions of a second.
func inSeconds(d time.Duration) string { return d.Round(time.Second).String() }
