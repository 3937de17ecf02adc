package provider

import (
	"cmp"
	"slices"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
)

// Parties are the claims that name the parties of a token. Zero fields are
// absent claims.
type Parties struct {
	Issuer, Subject string
	Audiences       []string
}

// computed is the preset of an issuer that only the profile can compute.
const computed = "(computed)"

// Fill returns the parties of a token: those of d and, for each that is absent,
// what the operator has set, what follows from the key, or the only value that
// the provider accepts. key may be nil. The reason of its error is
// [ErrConflict] or [ErrAlgorithm].
func (p *Profile) Fill(d Parties, key keys.Key) (Parties, error) {
	if err := p.fillOverrides(&d); err != nil {
		return d, err
	}
	iss, _ := p.rule("iss")
	sub, _ := p.rule("sub")
	aud, _ := p.rule("aud")
	if d.Subject == "" {
		d.Subject = sub.Preset
	}
	if p.issuer != nil && key != nil {
		issuer, err := p.issuer(d, key)
		if err != nil {
			return d, err
		}
		if issuer != "" && d.Issuer != "" && d.Issuer != issuer && iss.Preset == computed {
			return d, &fault.Error{
				Reason: ErrConflict, Field: "iss",
				Found: "this is not the issuer that follows from the subject and the key", Hint: "leave it out: the profile computes it",
			}
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

func (p *Profile) fillOverrides(d *Parties) error {
	for _, row := range []struct {
		name  string
		fixed string
		given *string
	}{{"iss", p.Overrides.Issuer, &d.Issuer}, {"sub", p.Overrides.Subject, &d.Subject}} {
		if row.fixed != "" && *row.given != "" && *row.given != row.fixed {
			return overridden(row.name)
		}
		*row.given = cmp.Or(row.fixed, *row.given)
	}
	if p.Overrides.Audiences == nil {
		return nil
	}
	if len(d.Audiences) > 0 && !slices.Equal(d.Audiences, p.Overrides.Audiences) {
		return overridden("aud")
	}
	d.Audiences = p.Overrides.Audiences
	return nil
}

func overridden(name string) error {
	return &fault.Error{Reason: ErrConflict, Field: name, Found: "this is not the value that the operator has set in the profile", Hint: "leave it out"}
}

// Complete sets the claims and header parameters that are absent and have one
// possible value. The parties are set by [Profile.Fill].
func (p *Profile) Complete(header, claims *jsonobj.Object) {
	for _, c := range p.Claims {
		party := c.Name == "iss" || c.Name == "sub" || c.Name == "aud"
		if c.Preset != "" && !party && !claims.Has(c.Name) && !slices.Contains(p.OneOf, c.Name) {
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
