package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// The reasons of a broken rule. The error's field is the claim or the header
// parameter; of a claim that is repeated in the header, it is [HeaderField].
var (
	ErrMissing   = errors.New("a required claim or header parameter is missing")
	ErrInvalid   = errors.New("a claim or header parameter is invalid")
	ErrConflict  = errors.New("a claim is not allowed, or differs from a fixed value")
	ErrLifetime  = errors.New("the lifetime is out of the profile's range")
	ErrAlgorithm = errors.New("the profile does not allow the algorithm, or it does not fit the key")
)

// HeaderField is the field of an error about a header parameter that has the
// name of a claim.
const HeaderField = "header"

// timeOfIssue is the meaning of iat and nbf.
const timeOfIssue = "the time of issue"

// Check returns every rule that a token breaks at the time now, those of the
// header first. The header has alg, kid and the certificate's parameters as
// they are, or as signing will set them.
func (p *Profile) Check(header, claims *jsonobj.Object, now time.Time) []*fault.Error {
	c := check{p: p, header: header, claims: claims, now: now.Unix()}
	c.algorithm()
	c.typ()
	c.keyID()
	c.certificate()
	for _, rule := range p.Claims {
		c.claim(rule)
	}
	c.oneOf()
	c.replicated()
	c.times()
	return c.broken
}

// CheckRequest is Check for a token that is about to be signed: it adds to the
// header what signing adds.
func (p *Profile) CheckRequest(r *signer.Request, now time.Time) []*fault.Error {
	header := r.Header.Clone()
	header.String("alg", string(r.Algorithm))
	if r.KeyID != "" {
		header.String("kid", r.KeyID)
	}
	for _, name := range r.ChainHeaders {
		header.String(name, "")
	}
	return p.Check(&header, &r.Claims, now)
}

// check collects the rules that one token breaks.
type check struct {
	p              *Profile
	header, claims *jsonobj.Object
	now            int64 // seconds since 1970
	broken         []*fault.Error
}

func (c *check) add(reason error, field, found, hint string) {
	c.broken = append(c.broken, &fault.Error{Reason: reason, Field: field, Found: found, Hint: hint})
}

const notSet = "not set, and the profile requires it"

func (c *check) missing(field, meaning string) {
	c.add(ErrMissing, field, "this is "+notSet, setTo(meaning))
}

func (c *check) wrongType(name, found, want, meaning string) {
	c.add(ErrInvalid, name, "this is of JSON type "+found+", and the profile requires "+want, setTo(meaning))
}

func (c *check) algorithm() {
	if alg, _ := c.header.Text("alg"); !c.p.permits(keys.Algorithm(alg)) {
		c.broken = append(c.broken, algorithmNotAllowed(c.p.Algorithms))
	}
}

// typ is compared without case, because it is a media type (RFC 7515 §4.1.9).
func (c *check) typ() {
	if c.p.Type == "" {
		return
	}
	typ, ok := c.header.Text("typ")
	switch {
	case !ok:
		c.missing("typ", c.p.Type)
	case !strings.EqualFold(typ, c.p.Type):
		c.add(ErrInvalid, "typ", "the profile does not allow this type", setTo(c.p.Type))
	}
}

func (c *check) keyID() {
	if kid, _ := c.header.Text("kid"); c.p.KeyID != "" && kid == "" {
		c.missing("kid", c.p.KeyID)
	}
}

func (c *check) certificate() {
	if c.p.Certificate && !c.header.Has(signer.HeaderX5TS256) && !c.header.Has(signer.HeaderX5T) {
		c.add(ErrMissing, signer.HeaderX5TS256, "this is "+notSet, "give the certificate that is registered with the provider")
	}
}

func (c *check) claim(rule Claim) {
	value, ok := c.claims.Get(rule.Name)
	switch {
	case !ok && rule.Required && !slices.Contains(c.p.OneOf, rule.Name):
		c.missing(rule.Name, rule.Meaning)
	case !ok:
	case rule.Forbidden:
		c.add(ErrConflict, rule.Name, "this is set, and the profile does not allow it", "leave it out")
	case rule.Name == "aud":
		c.audience(rule)
	case rule.JSONType != "":
		if found := jsonobj.TypeName(value); found != rule.JSONType {
			c.wrongType(rule.Name, found, rule.JSONType, rule.Meaning)
		}
	default:
		c.text(rule, value)
	}
}

func (c *check) text(rule Claim, value json.RawMessage) {
	text, ok := c.claims.Text(rule.Name)
	length := utf8.RuneCountInString(text)
	switch {
	case !ok:
		c.wrongType(rule.Name, jsonobj.TypeName(value), "string", rule.Meaning)
	case rule.SameAs != "" && !c.equal(rule.Name, rule.SameAs):
		c.add(ErrInvalid, rule.Name, "this is not the same as "+rule.SameAs, "set it to the same value, or leave it out")
	case rule.Patterns != nil && !rule.matches(text):
		c.add(ErrInvalid, rule.Name, "the profile does not allow this value", rule.correction(text))
	case rule.UpperCase && strings.ContainsFunc(text, unicode.IsLower):
		c.add(ErrInvalid, rule.Name, "this has lower-case letters", "write it in upper case")
	case length < rule.MinLength || rule.MaxLength > 0 && length > rule.MaxLength:
		c.add(ErrInvalid, rule.Name, fmt.Sprintf("this has %d characters", length), "write "+rule.lengths())
	}
}

// equal reports whether two claims are the same string.
func (c *check) equal(name, other string) bool {
	a, _ := c.claims.Text(name)
	b, ok := c.claims.Text(other)
	return ok && a == b
}

func (c *check) audience(rule Claim) {
	value, _ := c.claims.Get("aud")
	audiences, ok := signer.Audiences(c.claims)
	switch {
	case !ok || len(audiences) == 0:
		c.add(ErrInvalid, "aud", "this is of JSON type "+jsonobj.TypeName(value), setTo(rule.Meaning))
		return
	case rule.Single && jsonobj.TypeName(value) != "string":
		c.add(ErrInvalid, "aud", "this is a list, and the profile allows a single audience", "write one audience as a string")
		return
	}
	// The token would also be valid at an audience that is not the provider.
	for _, audience := range audiences {
		if rule.Patterns != nil && !rule.matches(audience) {
			c.add(ErrInvalid, "aud", "this audience is not the provider's", rule.correction(audience))
			return
		}
	}
}

func (c *check) oneOf() {
	if len(c.p.OneOf) == 0 {
		return
	}
	var set []string
	for _, name := range c.p.OneOf {
		if c.claims.Has(name) {
			set = append(set, name)
		}
	}
	switch len(set) {
	case 0:
		c.add(ErrMissing, c.p.OneOf[0], "neither "+strings.Join(c.p.OneOf, " nor ")+" is set, and the profile requires one", "set one of them")
	case 1:
	default:
		c.add(ErrConflict, set[1], "the profile allows "+strings.Join(c.p.OneOf, " or ")+", not both", "leave one of them out")
	}
}

func (c *check) replicated() {
	for _, name := range c.p.Replicated {
		header, _ := c.header.Get(name)
		claim, _ := c.claims.Get(name)
		if string(header) != string(claim) {
			c.add(ErrInvalid, HeaderField, name+" in the header is not the same as the claim", "leave "+name+" out of the header: the profile copies the claim")
		}
	}
}

func (c *check) times() {
	issued, hasIssued := c.time("iat", !c.optional("iat"))
	expires, hasExpires := c.time("exp", c.p.MaxTTL > 0 || !c.p.Overrides.NoExpiry)
	if hasExpires {
		c.lifetime(issued, hasIssued, expires)
	}
	if c.p.NotBefore && !c.claims.Has("nbf") {
		c.missing("nbf", timeOfIssue)
	}
}

func (c *check) lifetime(issued int64, hasIssued bool, expires int64) {
	life := expires - c.start(issued, hasIssued, expires)
	switch {
	case c.p.MaxTTL > 0 && life > c.p.MaxTTL:
		c.add(ErrLifetime, "exp", "the lifetime is longer than the profile allows", fmt.Sprintf("ask for at most %d seconds", c.p.MaxTTL))
	case hasIssued && expires-issued < c.p.MinTTL:
		c.add(ErrLifetime, "exp", "the lifetime is shorter than the profile allows", fmt.Sprintf("ask for at least %d seconds", c.p.MinTTL))
	}
}

// start returns when the lifetime begins for the provider: at iat, or when the
// provider receives the token. It is unknown when a token that has expired was
// received; iat may have been a minute in the past by then.
func (c *check) start(issued int64, hasIssued bool, expires int64) int64 {
	switch expired := expires <= c.now; {
	case hasIssued && c.p.FromIssue:
		return issued
	case !expired:
		return c.now
	case hasIssued:
		return issued + minute
	}
	return expires
}

// optional reports whether the profile has a rule for the claim that does not
// require it. Times without a rule are required.
func (c *check) optional(name string) bool {
	rule, ok := c.p.rule(name)
	return ok && !rule.Required
}

// time returns the seconds of a time claim. ok is false where the claim is
// absent, which is an error if it is required, or is no time, which always is.
func (c *check) time(name string, required bool) (seconds int64, ok bool) {
	value, has := c.claims.Get(name)
	if !has {
		switch {
		case required && name == "exp":
			c.add(ErrLifetime, name, "this is "+notSet, "let the token expire")
		case required:
			c.missing(name, timeOfIssue)
		}
		return 0, false
	}
	at, err := signer.NumericDate(value)
	if _, ruled := c.p.rule(name); err != nil && !ruled { // a rule reports the type itself
		c.wrongType(name, jsonobj.TypeName(value), "number", "the seconds since 1970")
	}
	return at.Unix(), err == nil
}

// algorithmNotAllowed names the algorithms to use instead.
func algorithmNotAllowed(use []keys.Algorithm) *fault.Error {
	return &fault.Error{Reason: ErrAlgorithm, Field: "alg", Found: "the profile does not allow this algorithm", Hint: "use " + orList(keys.JoinAlgorithms(use))}
}

// orList writes "a, b, c" as "a, b or c".
func orList(names string) string {
	if before, last, ok := strings.CutLast(names, ", "); ok {
		return before + " or " + last
	}
	return names
}

func setTo(meaning string) string {
	if meaning == "" {
		return "set it"
	}
	return "set it to " + meaning
}

// correction returns the hint for a text that matches no pattern of the claim:
// the edit that makes it match, or what the claim must be. It shows no pattern,
// because a pattern cannot be copied into a task.
func (c Claim) correction(text string) string {
	for _, edit := range []struct{ text, hint string }{
		{strings.TrimSuffix(text, "/"), "remove the slash at the end"},
		{text + "/", "add a slash at the end"},
		{strings.TrimSpace(text), "remove the white space around it"},
		{strings.TrimPrefix(text, "https://"), "remove https:// from it"},
		{strings.Replace(text, "http://", "https://", 1), "write https:// in place of http://"},
		{"https://" + text, "write https:// before it"},
	} {
		if edit.text != text && c.matches(edit.text) {
			return edit.hint
		}
	}
	if c.Preset == computed {
		return "leave it out: the profile computes it"
	}
	if values := strings.Join(c.Patterns, ", "); !strings.Contains(values, "*") {
		return setTo(orList(values))
	}
	return setTo(c.Meaning)
}

// matches reports whether a text matches one of the patterns.
func (c Claim) matches(text string) bool {
	return slices.ContainsFunc(c.Patterns, func(p string) bool { return glob.Pattern(p).MatchFilled(text) })
}

// lengths says how long the claim's text may be.
func (c Claim) lengths() string {
	switch {
	case c.MaxLength == 0:
		return fmt.Sprintf("at least %d characters", c.MinLength)
	case c.MinLength == 0:
		return fmt.Sprintf("at most %d characters", c.MaxLength)
	}
	return fmt.Sprintf("%d to %d characters", c.MinLength, c.MaxLength)
}
