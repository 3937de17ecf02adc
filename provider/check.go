package provider

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// Check gives every rule that a token breaks at a time, header first. The
// header has alg, kid and the certificate's members, as it is or will be.
func (p *Profile) Check(header, claims *jsonobj.Object, now time.Time) []*Fault {
	c := check{p: p, header: header, claims: claims, now: now.Unix()}
	c.algorithm()
	c.typ()
	c.keyID()
	c.certificate()
	for _, rule := range p.Claims {
		c.claim(rule)
	}
	c.oneOf()
	c.copied()
	c.times()
	return c.faults
}

// CheckRequest gives every rule that a token would break, with what signing
// adds to the header of its request.
func (p *Profile) CheckRequest(r *signer.Request, now time.Time) []*Fault {
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

type check struct {
	p              *Profile
	header, claims *jsonobj.Object
	now            int64
	faults         []*Fault
}

func (c *check) add(f *Fault) { c.faults = append(c.faults, f) }

func (c *check) addHeader(f *Fault) {
	f.Header = true
	c.add(f)
}

func (c *check) algorithm() {
	alg, _ := c.header.Text("alg")
	if !c.p.Permits(keys.Algorithm(alg)) {
		c.addHeader(notTaken(c.p.Algorithms))
	}
}

// typ is compared without case, as RFC 7515 §4.1.9 has media types.
func (c *check) typ() {
	if c.p.Type == "" {
		return
	}
	typ, ok := c.header.Text("typ")
	switch {
	case !ok:
		c.addHeader(missing("typ", c.p.Type))
	case !strings.EqualFold(typ, c.p.Type):
		c.addHeader(wrong("typ", "a type that this profile does not take", setTo(c.p.Type)))
	}
}

func (c *check) keyID() {
	if kid, _ := c.header.Text("kid"); c.p.KeyID != "" && kid == "" {
		c.addHeader(missing("kid", c.p.KeyID))
	}
}

func (c *check) certificate() {
	if c.p.Certificate && !c.header.Has(signer.HeaderX5TS256) && !c.header.Has(signer.HeaderX5T) {
		c.addHeader(&Fault{
			Kind: Certificate, Name: signer.HeaderX5TS256, Found: "this profile needs the thumbprint of a certificate in the header",
			Hint: "give the certificate that is registered with the provider",
		})
	}
}

func (c *check) claim(rule Claim) {
	value, ok := c.claims.Get(rule.Name)
	switch {
	case !ok && rule.Required && !slices.Contains(c.p.OneOf, rule.Name):
		c.add(missing(rule.Name, rule.Meaning))
	case !ok:
	case rule.Forbidden:
		c.add(&Fault{Kind: Unwanted, Name: rule.Name, Found: "this profile takes no " + rule.Name, Hint: "leave it out"})
	case rule.Name == "aud":
		c.audience(rule)
	case rule.JSONType != "":
		if kind := jsonobj.TypeName(value); kind != rule.JSONType {
			c.add(mistyped(rule.Name, kind, rule.JSONType, rule.Meaning))
		}
	default:
		c.text(rule, value)
	}
}

func (c *check) text(rule Claim, value json.RawMessage) {
	text, ok := c.claims.Text(rule.Name)
	size := utf8.RuneCountInString(text)
	switch {
	case !ok:
		c.add(mistyped(rule.Name, jsonobj.TypeName(value), "string", rule.Meaning))
	case rule.SameAs != "" && !c.same(rule):
		c.add(wrong(rule.Name, "it is not the same as "+rule.SameAs, "set it to the same value, or leave it out"))
	case rule.Patterns != nil && !likeAny(rule.Patterns, text):
		c.add(wrong(rule.Name, "a text that this profile does not take", rule.remedy(text)))
	case rule.UpperCase && strings.ContainsFunc(text, unicode.IsLower):
		c.add(wrong(rule.Name, "lower-case letters", "write it in upper case"))
	case size < rule.MinLength || rule.MaxLength > 0 && size > rule.MaxLength:
		c.add(wrong(rule.Name, fmt.Sprintf("a string of %d characters", size), "write "+rule.length()))
	}
}

func (c *check) same(rule Claim) bool {
	a, _ := c.claims.Text(rule.Name)
	b, ok := c.claims.Text(rule.SameAs)
	return ok && a == b
}

func (c *check) audience(rule Claim) {
	value, _ := c.claims.Get("aud")
	list, ok := signer.Audiences(c.claims)
	switch {
	case !ok || len(list) == 0:
		c.add(wrong("aud", "of json type "+jsonobj.TypeName(value), setTo(rule.Meaning)))
		return
	case rule.Single && jsonobj.TypeName(value) != "string":
		c.add(wrong("aud", "a list, where this profile takes a single audience", "write one audience as a string"))
		return
	}
	// One that is not the provider's is one that the token is good for too.
	for _, audience := range list {
		if rule.Patterns != nil && !likeAny(rule.Patterns, audience) {
			c.add(wrong("aud", "an audience that is not the provider's", rule.remedy(audience)))
			return
		}
	}
}

func (c *check) oneOf() {
	if len(c.p.OneOf) == 0 {
		return
	}
	var there []string
	for _, name := range c.p.OneOf {
		if c.claims.Has(name) {
			there = append(there, name)
		}
	}
	choice := strings.Join(c.p.OneOf, " or ")
	switch len(there) {
	case 0:
		c.add(&Fault{Kind: Missing, Name: c.p.OneOf[0], Found: "this profile needs " + choice + ", and there is neither", Hint: "set one of them"})
	case 1:
	default:
		c.add(&Fault{Kind: Unwanted, Name: there[1], Found: "this profile takes " + choice + ", not both", Hint: "leave one of them out"})
	}
}

func (c *check) copied() {
	for _, name := range c.p.Replicated {
		header, _ := c.header.Get(name)
		claim, _ := c.claims.Get(name)
		if string(header) != string(claim) {
			c.addHeader(wrong(name, "the header does not repeat the claim "+name, "leave it out of the header: the profile copies the claim"))
		}
	}
}

// times compares what a token says of its lifetime.
func (c *check) times() {
	issued, dated := c.time("iat", !c.loose("iat"))
	expires, ends := c.time("exp", c.p.MaxTTL > 0 || !c.p.Overrides.NoExpiry)
	if ends {
		c.lifetime(issued, dated, expires)
	}
	if c.p.NotBefore && !c.claims.Has("nbf") {
		c.add(missing("nbf", timeOfIssue))
	}
}

func (c *check) lifetime(issued int64, dated bool, expires int64) {
	life := expires - c.start(issued, dated, expires)
	switch {
	case c.p.MaxTTL > 0 && life > c.p.MaxTTL:
		c.add(&Fault{Kind: Lifetime, Name: "exp", Found: "a longer life than this profile takes", Hint: fmt.Sprintf("ask for at most %d seconds", c.p.MaxTTL)})
	case dated && expires-issued < c.p.MinTTL:
		c.add(&Fault{Kind: Lifetime, Name: "exp", Found: "a shorter life than this profile takes", Hint: fmt.Sprintf("ask for at least %d seconds", c.p.MinTTL)})
	}
}

// start is when the life of a token begins for its provider: at iat, or when
// the provider sees the token. When a token that has expired was seen is
// unknown: iat may have been up to a minute back by then.
func (c *check) start(issued int64, dated bool, expires int64) int64 {
	switch expired := expires <= c.now; {
	case dated && c.p.FromIssue:
		return issued
	case !expired:
		return c.now
	case dated:
		return issued + minute
	}
	return expires
}

// loose reports whether a time need not be there: its rule says so.
func (c *check) loose(name string) bool {
	rule, ok := c.p.Claim(name)
	return ok && !rule.Required
}

// time gives the seconds of a claim; ok is false where it is not there, which
// is a fault where it is needed, or no time, which always is one.
func (c *check) time(name string, needed bool) (seconds int64, ok bool) {
	value, there := c.claims.Get(name)
	if !there {
		switch {
		case needed && name == "exp":
			c.add(&Fault{Kind: Lifetime, Name: name, Found: "this profile needs exp, and there is none", Hint: "let the token expire"})
		case needed:
			c.add(missing(name, timeOfIssue))
		}
		return 0, false
	}
	at, err := signer.NumericDate(value)
	if _, ruled := c.p.Claim(name); err != nil && !ruled { // the claim's own rule says it already
		c.add(wrong(name, "of json type "+jsonobj.TypeName(value)+", where this profile needs number", "write it in seconds since 1970"))
	}
	return at.Unix(), err == nil
}

const timeOfIssue = "the time of issue"
