package provider

import "conductor-jwt/keys"

// Profiles returns the built-in profiles. Their rules are those of the pages
// that they name, as of November 2026.
func Profiles() []*Profile {
	rows := append(append(google(), signed()...), append(apple(), clients()...)...)
	return append(rows, secrets()...)
}

// Names are the names of the built-in profiles, in the order of the table.
func Names() []string {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// Find gives the built-in profile of a name.
func Find(name string) (*Profile, bool) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// The sets of algorithms that several providers take.
func rs256() []keys.Algorithm { return []keys.Algorithm{keys.RS256} }
func es256() []keys.Algorithm { return []keys.Algorithm{keys.ES256} }

func rsa() []keys.Algorithm { return []keys.Algorithm{keys.RS256, keys.RS384, keys.RS512} }
func pss() []keys.Algorithm { return []keys.Algorithm{keys.PS256, keys.PS384, keys.PS512} }
func ec() []keys.Algorithm  { return []keys.Algorithm{keys.ES256, keys.ES384, keys.ES512} }

func asymmetric() []keys.Algorithm {
	return append(append(append(pss(), ec()...), keys.EdDSA, keys.Ed25519), rsa()...)
}

// The rules that several providers have.

func needed(name, means string) Claim { return Claim{Name: name, Required: true, Meaning: means} }

func unfit(name string) Claim { return Claim{Name: name, Forbidden: true} }

// sole is the audience where there is one only.
func sole(value string) Claim {
	return Claim{Name: "aud", Required: true, Meaning: value, Preset: value, Patterns: []string{value}}
}

// sameAsIssuer is a sub that repeats iss.
func sameAsIssuer() Claim {
	return Claim{Name: "sub", Required: true, Meaning: "the same as iss", SameAs: "iss"}
}

func audience(means string, like ...string) Claim {
	return Claim{Name: "aud", Required: true, Meaning: means, Patterns: like, Single: true}
}

// issuedAt is an iat that need not be there.
func issuedAt() Claim { return Claim{Name: "iat", Meaning: timeOfIssue, JSONType: "number"} }

func tokenID(least, most int) Claim {
	return Claim{Name: "jti", Required: true, Meaning: "an id that was never used before", MinLength: least, MaxLength: most}
}

const (
	minute = 60
	hour   = 60 * minute
)
