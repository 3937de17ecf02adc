// Package provider holds what each provider of the table demands of a JWT:
// algorithms, header parameters, claims and lifetimes; how the token is exchanged
// for an access token; and a workflow that uses it. A [Profile] fills in what its provider leaves no choice about, and
// reports what the provider would refuse. It makes no calls; callers pass the
// time.
//
// A provider is one file of this package and one line of [Profiles].
package provider

import (
	"cmp"
	"errors"
	"slices"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// Profile is the rules of one provider, or an operator's extension of them.
// Times are in seconds.
type Profile struct {
	Name    string
	Title   string // the provider and its use of the token, for documents
	DocsURL string // the provider's page with the rules
	Use     Use

	// Exchange is nil where the token is sent with each call to the provider.
	Exchange *Exchange

	Algorithms  []keys.Algorithm // without a request for one, the first that fits the key is used
	Type        string           // required typ; empty: JWT, and any other is allowed
	KeyID       string           // what kid must be, for messages; empty: kid is optional
	Certificate bool             // x5t#S256 or x5t is required; signing adds the former
	Claims      []Claim
	OneOf       []string // exactly one of these claims is required
	Replicated  []string // claims that the header must repeat (RFC 7519 §5.3)

	TTL    int64 // without a request for one; 0: the worker's default
	MinTTL int64
	MaxTTL int64 // 0: no limit, and exp is optional
	// FromIssue says that MaxTTL counts from iat, not from when the provider
	// receives the token.
	FromIssue bool
	Backdate  int64 // how far iat lies in the past, for clocks that are behind

	NotBefore   bool   // nbf is required; it is iat
	ScopeClaim  string // empty: scope
	ScopeFormat string // space, comma or array; empty: space

	Overrides Overrides // what the operator has set
	Recipe    Recipe

	// issuer returns the issuer that follows from the subject and the key, or
	// "" where none does. nil: none ever does.
	issuer func(d Parties, key keys.Key) (string, error)

	extends string // of an operator's profile: the name of the built-in one
}

// Provider returns the name of the built-in profile, which is p or the one that
// p extends.
func (p *Profile) Provider() string { return cmp.Or(p.extends, p.Name) }

// Use is how the provider receives the token.
type Use string

// The uses.
const (
	Assertion       Use = "assertion"        // for an access token (RFC 7523 §2.1)
	ClientAssertion Use = "client assertion" // for an access token, as the client's authentication (RFC 7523 §2.2)
	Bearer          Use = "bearer"           // with each call; the token is the access token (RFC 6750 §2.1)
	CustomRequest   Use = "request"          // in a request of the provider's own form
)

// Claim is the rule of one claim. A claim without a rule may hold anything.
type Claim struct {
	Name      string
	Required  bool
	Forbidden bool
	Meaning   string // what it is at this provider, for messages and documents

	Preset   string   // the only value there is, set where the claim is absent
	Patterns []string // one must match; * is any text without a slash, ** any text, neither empty
	SameAs   string   // the claim that it repeats, and is set from where it is absent

	JSONType  string // empty: string
	MinLength int    // in characters
	MaxLength int    // in characters; 0: no limit
	Single    bool   // of aud: one audience, written as a string
	UpperCase bool   // lower-case letters are refused
}

// Overrides are what an operator's profile sets. Zero fields set nothing.
type Overrides struct {
	Key        string // name of the configured key to sign with
	Issuer     string
	Subject    string
	Audiences  []string
	MaxTTL     int64 // in seconds; replaces the worker's limit, not the provider's
	NoExpiry   bool
	Algorithms []keys.Algorithm // of the provider's algorithms, only these
}

// rule returns the rule of a claim.
func (p *Profile) rule(name string) (Claim, bool) {
	for _, c := range p.Claims {
		if c.Name == name {
			return c, true
		}
	}
	return Claim{}, false
}

// permits reports whether the provider and the operator allow an algorithm.
func (p *Profile) permits(alg keys.Algorithm) bool { return slices.Contains(p.Algorithms, alg) }

// ChooseAlgorithm returns the requested algorithm or, where requested is empty,
// the first of the profile that fits the key. The reason of its error is
// [ErrAlgorithm], or [keys.ErrWeak] where the key is too short. The hint names
// only algorithms that both the profile and the key allow.
func (p *Profile) ChooseAlgorithm(key keys.Key, requested keys.Algorithm) (keys.Algorithm, error) {
	var fitting []keys.Algorithm
	for _, alg := range p.Algorithms {
		if slices.Contains(key.Algorithms(), alg) {
			fitting = append(fitting, alg)
		}
	}
	switch {
	case len(fitting) == 0:
		return "", p.noAlgorithm(key)
	case requested == "":
		return fitting[0], nil
	case !p.permits(requested):
		return "", algorithmNotAllowed(fitting)
	case !slices.Contains(fitting, requested):
		return "", &fault.Error{
			Reason: ErrAlgorithm, Field: "alg",
			Found: "the algorithm does not fit this key (" + string(keys.KindOf(key)) + ")", Hint: "use " + orList(keys.JoinAlgorithms(fitting)),
		}
	}
	return requested, nil
}

// noAlgorithm says why no algorithm of the profile fits a key: it is too short,
// it is a JWK that names another, or it is of another kind.
func (p *Profile) noAlgorithm(key keys.Key) error {
	for _, alg := range p.Algorithms {
		if err := keys.Check(key, alg); errors.Is(err, keys.ErrWeak) {
			return err
		}
	}
	found, use := "this key ("+string(keys.KindOf(key))+") fits no algorithm of the profile", "sign with a key for "
	if keys.BoundTo(key) != "" && slices.ContainsFunc(keys.Unbind(key).Algorithms(), p.permits) {
		found, use = "this is a JWK whose own alg the profile does not allow", "take alg out of the JWK, or correct it to "
	}
	return &fault.Error{Reason: ErrAlgorithm, Field: "alg", Found: found, Hint: use + orList(keys.JoinAlgorithms(p.Algorithms))}
}

// LimitTTL returns the longest ttl in seconds that the profile allows, where
// worker is the worker's own limit.
func (p *Profile) LimitTTL(worker int64) int64 {
	limit := cmp.Or(p.Overrides.MaxTTL, worker)
	if p.MaxTTL > 0 {
		limit = min(limit, p.MaxTTL)
	}
	return limit
}

// Extend returns a profile of another name with what an operator sets.
func (p *Profile) Extend(name string, o Overrides) *Profile {
	q := *p
	q.Name, q.extends = name, p.Provider()
	q.Overrides = Overrides{
		Key: cmp.Or(o.Key, p.Overrides.Key), Issuer: cmp.Or(o.Issuer, p.Overrides.Issuer), Subject: cmp.Or(o.Subject, p.Overrides.Subject),
		Audiences: p.Overrides.Audiences, MaxTTL: cmp.Or(o.MaxTTL, p.Overrides.MaxTTL), NoExpiry: o.NoExpiry || p.Overrides.NoExpiry,
	}
	if len(o.Audiences) > 0 {
		q.Overrides.Audiences = o.Audiences
	}
	if len(o.Algorithms) > 0 {
		q.Algorithms = nil
		for _, alg := range p.Algorithms {
			if slices.Contains(o.Algorithms, alg) {
				q.Algorithms = append(q.Algorithms, alg)
			}
		}
	}
	return &q
}
