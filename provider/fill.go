package provider

import (
	"cmp"
	"slices"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
)

// Parties are the claims that name somebody.
type Parties struct {
	Issuer, Subject string // empty: none
	Audiences       []string
}

// Fill gives what a token says of its parties: what was asked for, and for
// the rest what the operator has fixed, what follows from the key, and what
// the provider has no other for. Its error is a [*Fault].
func (p *Profile) Fill(d Parties, key keys.Key) (Parties, error) {
	if fault := p.fillOwn(&d); fault != nil {
		return d, fault
	}
	iss, _ := p.Claim("iss")
	sub, _ := p.Claim("sub")
	aud, _ := p.Claim("aud")
	if d.Subject == "" {
		d.Subject = sub.Preset
	}
	if p.issuer != nil && key != nil {
		issuer, err := p.issuer(d, key)
		if err != nil {
			return d, err
		}
		if issuer != "" && d.Issuer != "" && d.Issuer != issuer && iss.Preset == computed {
			return d, &Fault{Kind: Conflict, Name: "iss", Found: "it is not the one that follows from the subject and the key", Hint: "leave it out: the profile computes it"}
		}
		d.Issuer = cmp.Or(d.Issuer, issuer)
	}
	if sub.SameAs == "iss" {
		d.Subject = cmp.Or(d.Subject, d.Issuer)
	}
	if iss.SameAs == "sub" {
		d.Issuer = cmp.Or(d.Issuer, d.Subject)
	}
	if len(d.Audiences) == 0 && aud.Preset != "" {
		d.Audiences = []string{aud.Preset}
	}
	return d, nil
}

// computed is the preset of an issuer that cannot be another.
const computed = "(computed)"

func (p *Profile) fillOwn(d *Parties) error {
	for _, row := range []struct {
		name  string
		fixed string
		given *string
	}{{"iss", p.Overrides.Issuer, &d.Issuer}, {"sub", p.Overrides.Subject, &d.Subject}} {
		if row.fixed != "" && *row.given != "" && *row.given != row.fixed {
			return fixedElsewhere(row.name)
		}
		*row.given = cmp.Or(row.fixed, *row.given)
	}
	if p.Overrides.Audiences == nil {
		return nil
	}
	if len(d.Audiences) > 0 && !slices.Equal(d.Audiences, p.Overrides.Audiences) {
		return fixedElsewhere("aud")
	}
	d.Audiences = p.Overrides.Audiences
	return nil
}

func fixedElsewhere(name string) error {
	return &Fault{Kind: Conflict, Name: name, Found: "it is not the one that the operator has fixed in this profile", Hint: "leave it out"}
}

// Complete writes what the provider leaves no choice about into a token's
// header and claims, where they say nothing.
func (p *Profile) Complete(header, claims *jsonobj.Object) {
	for _, c := range p.Claims {
		if c.Preset != "" && c.Preset != computed && !claims.Has(c.Name) && !named(c.Name) && !slices.Contains(p.OneOf, c.Name) {
			claims.String(c.Name, c.Preset)
		}
	}
	for _, name := range p.Replicated {
		if value, ok := claims.Get(name); ok && !header.Has(name) {
			header.Set(name, value)
		}
	}
	if p.Type != "" && !header.Has("typ") {
		header.String("typ", p.Type)
	}
}

// named reports whether Fill sees to a claim.
func named(claim string) bool { return claim == "iss" || claim == "sub" || claim == "aud" }
