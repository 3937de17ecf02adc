package profile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// Check gives every rule that a token breaks, header first. The header has
// alg, kid and the certificate's members, as it is or will be.
func (p *Profile) Check(header, claims *signer.Object) []*Fault {
	c := check{p: p, header: header, claims: claims}
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
func (p *Profile) CheckRequest(r *signer.Request) []*Fault {
	header := r.Header.Clone()
	header.String("alg", string(r.Algorithm))
	if r.KeyID != "" {
		header.String("kid", r.KeyID)
	}
	for _, name := range r.ChainHeaders {
		header.String(name, "")
	}
	return p.Check(&header, &r.Claims)
}

type check struct {
	p              *Profile
	header, claims *signer.Object
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
		c.addHeader(&Fault{Kind: Algorithm, Name: "alg", Found: "an algorithm that this profile does not take", Hint: "use " + oneOf(keys.JoinAlgorithms(c.p.Algorithms))})
	}
}

func oneOf(names string) string {
	if before, last, ok := strings.CutLast(names, ", "); ok {
		return before + " or " + last
	}
	return names
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
		c.addHeader(wrong("typ", "a type that this profile does not take", c.p.Type))
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
	case !ok && rule.Needed && !slices.Contains(c.p.OneOf, rule.Name):
		c.add(missing(rule.Name, rule.Means))
	case !ok:
	case rule.Unfit:
		c.add(&Fault{Kind: Unwanted, Name: rule.Name, Found: "this profile takes no " + rule.Name, Hint: "leave it out"})
	case rule.Name == "aud":
		c.audience(rule)
	case rule.Kind != "":
		if kind := signer.TypeName(value); kind != rule.Kind {
			c.add(wrong(rule.Name, "of json type "+kind+", where this profile needs "+rule.Kind, rule.Means))
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
		c.add(wrong(rule.Name, "of json type "+signer.TypeName(value)+", where this profile needs string", rule.Means))
	case rule.Same != "" && !c.same(rule):
		c.add(wrong(rule.Name, "it is not the same as "+rule.Same, "the same, or leave it out"))
	case rule.Like != nil && !likeAny(rule.Like, text):
		c.add(wrong(rule.Name, "a text that this profile does not take", likes(rule.Like)))
	case rule.Upper && strings.ContainsFunc(text, unicode.IsLower):
		c.add(wrong(rule.Name, "lower-case letters", rule.Means))
	case size < rule.Least:
		c.add(wrong(rule.Name, fmt.Sprintf("a string of %d characters", size), fmt.Sprintf("at least %d", rule.Least)))
	case rule.Most > 0 && size > rule.Most:
		c.add(wrong(rule.Name, fmt.Sprintf("a string of %d characters", size), fmt.Sprintf("at most %d", rule.Most)))
	}
}

func (c *check) same(rule Claim) bool {
	a, _ := c.claims.Text(rule.Name)
	b, ok := c.claims.Text(rule.Same)
	return ok && a == b
}

func (c *check) audience(rule Claim) {
	value, _ := c.claims.Get("aud")
	list, ok := signer.Audiences(c.claims)
	switch {
	case !ok || len(list) == 0:
		c.add(wrong("aud", "of json type "+signer.TypeName(value), rule.Means))
		return
	case rule.Single && signer.TypeName(value) != "string":
		c.add(wrong("aud", "a list, where this profile takes a single audience", "one alone"))
		return
	}
	// One that is not the provider's is one that the token is good for too.
	for _, audience := range list {
		if rule.Like != nil && !likeAny(rule.Like, audience) {
			c.add(wrong("aud", "an audience that is not the provider's", likes(rule.Like)))
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
	for _, name := range c.p.Copied {
		header, _ := c.header.Get(name)
		claim, _ := c.claims.Get(name)
		if string(header) != string(claim) {
			c.addHeader(wrong(name, "the header does not repeat the claim "+name, "the same in both"))
		}
	}
}

// times compares what a token says of its lifetime. A provider that does not
// want iat counts from when it sees the token, which only it can tell.
func (c *check) times() {
	issued, dated := c.time("iat")
	expires, ends := c.time("exp")
	switch {
	case !ends && (c.p.MostTTL > 0 || !c.p.Own.NoExpiry):
		c.add(&Fault{Kind: Lifetime, Name: "exp", Found: "this profile needs exp, and there is none", Hint: "let the token expire"})
	case !ends || !dated:
	case c.p.MostTTL > 0 && expires-issued > c.p.MostTTL:
		c.add(&Fault{Kind: Lifetime, Name: "exp", Found: "a longer life than this profile takes", Hint: fmt.Sprintf("ask for at most %d seconds", c.p.MostTTL)})
	case expires-issued < c.p.LeastTTL:
		c.add(&Fault{Kind: Lifetime, Name: "exp", Found: "a shorter life than this profile takes", Hint: fmt.Sprintf("ask for at least %d seconds", c.p.LeastTTL)})
	}
	if !dated && !c.loose("iat") {
		c.add(missing("iat", "the time of issue"))
	}
	if c.p.NotBefore && !c.claims.Has("nbf") {
		c.add(missing("nbf", "0, the time of issue"))
	}
}

// loose reports whether a time need not be there: its rule says so.
func (c *check) loose(name string) bool {
	rule, ok := c.p.Claim(name)
	return ok && !rule.Needed
}

func (c *check) time(name string) (int64, bool) {
	value, ok := c.claims.Get(name)
	if !ok {
		return 0, false
	}
	at, err := signer.NumericDate(value)
	return at.Unix(), err == nil
}
