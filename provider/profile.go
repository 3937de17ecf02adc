// Package profile is the table of what providers demand of a JWT that they
// take: algorithms, header members, claims and lifetimes. A profile fills in
// what its provider leaves no choice about, and says what the provider would
// refuse. It makes no calls, and its callers pass the time.
package provider

import (
	"cmp"
	"errors"
	"slices"

	"conductor-jwt/keys"
)

// Profile is the rules of one provider, or an operator's extension of them.
type Profile struct {
	Name     string
	Title    string // the provider and its use of the token, for documents
	DocsURL  string // the provider's page with the rules
	Exchange Exchange

	Algorithms  []keys.Algorithm // the first that fits the key is taken where none is asked for
	Type        string           // typ that is needed; empty: JWT, and any other is let pass
	KeyID       string           // what kid must be; empty: it need not be there
	Certificate bool             // x5t#S256 or x5t is needed, the former is written
	Claims      []Claim
	OneOf       []string // of these claims exactly one
	Replicated  []string // claims that must stand in the header too (RFC 7519 §5.3)

	TTL    int64 // in seconds, where none is asked for; 0: the worker's default
	MinTTL int64 // in seconds
	MaxTTL int64 // in seconds; 0: the provider names none, and takes tokens without exp
	// FromIssue says that MaxTTL counts from iat, and not from when the
	// provider sees the token.
	FromIssue bool
	Backdate  int64 // in seconds: how far iat lies back, for clocks that are behind

	NotBefore   bool   // nbf is needed; it is iat
	ScopeClaim  string // empty: scope
	ScopeFormat string // empty: space; comma, array

	Overrides Overrides // what the operator has fixed
	Recipe    Recipe

	// issuer returns the issuer that follows from the subject and the key, or
	// "" where none does. nil: none ever does.
	issuer func(d Parties, key keys.Key) (string, error)
}

// Exchange is how the provider is handed the token.
type Exchange string

// The ways.
const (
	Assertion       Exchange = "assertion"        // RFC 7523 §2.1, for an access token
	ClientAssertion Exchange = "client assertion" // RFC 7523 §2.2, for an access token
	Bearer          Exchange = "bearer"           // the token is the access token (RFC 6750 §2.1)
	CustomRequest   Exchange = "request"          // in a request of the provider's own making
)

// Claim is what one claim must be. A claim without a rule may be anything.
type Claim struct {
	Name      string
	Required  bool
	Forbidden bool   // it must not be there
	Meaning   string // what it is at this provider, for messages and documents

	Preset   string   // where it is not there, and cannot be anything else
	Patterns []string // of which one must fit: * stands for any text without a slash, ** for any
	SameAs   string   // the claim that it repeats, and from which it is taken where it is not there

	JSONType  string // the JSON type; empty: string
	MinLength int    // length in characters
	MaxLength int    // 0: any
	Single    bool   // of aud: one alone, written as a string
	UpperCase bool   // without lower-case letters
}

// Overrides is what an operator's profile adds. Zero fields add nothing.
type Overrides struct {
	Key        string // the name of the configured key to sign with
	Issuer     string
	Subject    string
	Audiences  []string
	MaxTTL     int64 // in seconds; replaces the worker's most, not the provider's
	NoExpiry   bool
	Algorithms []keys.Algorithm // of the provider's, only these
}

// Claim gives the rule of a claim.
func (p *Profile) Claim(name string) (Claim, bool) {
	for _, c := range p.Claims {
		if c.Name == name {
			return c, true
		}
	}
	return Claim{}, false
}

// Permits reports whether the provider, and the operator, take an algorithm.
func (p *Profile) Permits(alg keys.Algorithm) bool { return slices.Contains(p.Algorithms, alg) }

// Choose gives the algorithm that was asked for, or the first of the profile
// that fits the key where none was. A [*Fault] names only algorithms that both
// the profile and the key take.
func (p *Profile) Choose(key keys.Key, asked keys.Algorithm) (keys.Algorithm, error) {
	var both []keys.Algorithm
	for _, alg := range p.Algorithms {
		if slices.Contains(key.Algorithms(), alg) {
			both = append(both, alg)
		}
	}
	switch {
	case len(both) == 0:
		return "", p.misfit(key)
	case asked == "":
		return both[0], nil
	case !p.Permits(asked):
		return "", notTaken(both)
	case !slices.Contains(both, asked):
		return "", &Fault{Kind: Algorithm, Name: "alg", Found: "an algorithm that does not fit this key (" + string(keys.KindOf(key)) + ")", Hint: "use " + oneOf(keys.JoinAlgorithms(both))}
	}
	return asked, nil
}

// misfit says why no algorithm of the profile fits a key: it is too short for
// its kind, it is a JWK that names another, or it is of another kind.
func (p *Profile) misfit(key keys.Key) error {
	for _, alg := range p.Algorithms {
		if err := keys.Check(key, alg); errors.Is(err, keys.ErrWeak) {
			return err
		}
	}
	found, use := "a key ("+string(keys.KindOf(key))+") that fits no algorithm of this profile", "sign with a key for "
	if free := keys.Unbind(key); free != key && slices.ContainsFunc(free.Algorithms(), p.Permits) {
		found, use = "a jwk whose own alg this profile does not take", "take alg out of the jwk, or correct it to "
	}
	return &Fault{Kind: Algorithm, Name: "alg", Found: found, Hint: use + oneOf(keys.JoinAlgorithms(p.Algorithms))}
}

// LimitTTL returns the longest ttl in seconds that the provider or the operator takes,
// where the worker's own most is given.
func (p *Profile) LimitTTL(worker int64) int64 {
	most := worker
	if p.Overrides.MaxTTL > 0 {
		most = p.Overrides.MaxTTL
	}
	if p.MaxTTL > 0 {
		most = min(most, p.MaxTTL)
	}
	return most
}

// Extend gives a profile of another name with what an operator adds to it.
func (p *Profile) Extend(name string, own Overrides) *Profile {
	q := *p
	q.Name = name
	q.Overrides = Overrides{
		Key: cmp.Or(own.Key, p.Overrides.Key), Issuer: cmp.Or(own.Issuer, p.Overrides.Issuer), Subject: cmp.Or(own.Subject, p.Overrides.Subject),
		Audiences: p.Overrides.Audiences, MaxTTL: cmp.Or(own.MaxTTL, p.Overrides.MaxTTL), NoExpiry: own.NoExpiry || p.Overrides.NoExpiry,
	}
	if len(own.Audiences) > 0 {
		q.Overrides.Audiences = own.Audiences
	}
	if len(own.Algorithms) > 0 {
		q.Algorithms = nil
		for _, alg := range p.Algorithms {
			if slices.Contains(own.Algorithms, alg) {
				q.Algorithms = append(q.Algorithms, alg)
			}
		}
	}
	return &q
}
