package provider

import "conductor-jwt/keys"

// Profiles returns the built-in profiles, in the order of the documents. Their
// rules are those of the pages at DocsURL, as of November 2026.
func Profiles() []*Profile {
	return []*Profile{
		googleServiceAccount(),
		googleSelfSigned(),
		firebase(),
		githubApp(),
		salesforce(),
		snowflake(),
		docusign(),
		vonage(),
		box(),
		netsuite(),
		appStoreConnect(),
		appleSignIn(),
		entra(),
		okta(),
		auth0(),
		keycloak(),
		smartBackendServices(),
		clientAssertion(),
		supabase(),
		livekit(),
		tableau(),
	}
}

// Names returns the names of the built-in profiles, in the order of [Profiles].
func Names() []string {
	var names []string
	for _, p := range Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// Find returns the built-in profile of a name.
func Find(name string) (*Profile, bool) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// Rules that several providers share. A recipe's shared parts are in recipe.go.

func rs256() []keys.Algorithm { return []keys.Algorithm{keys.RS256} }
func es256() []keys.Algorithm { return []keys.Algorithm{keys.ES256} }
func hs256() []keys.Algorithm { return []keys.Algorithm{keys.HS256} }

func rsaPKCS1() []keys.Algorithm { return []keys.Algorithm{keys.RS256, keys.RS384, keys.RS512} }
func rsaPSS() []keys.Algorithm   { return []keys.Algorithm{keys.PS256, keys.PS384, keys.PS512} }
func ecdsa() []keys.Algorithm    { return []keys.Algorithm{keys.ES256, keys.ES384, keys.ES512} }

func required(name, meaning string) Claim {
	return Claim{Name: name, Required: true, Meaning: meaning}
}

func forbidden(name string) Claim { return Claim{Name: name, Forbidden: true} }

// soleAudience is the audience of a provider that accepts one value only.
func soleAudience(value string) Claim {
	return Claim{Name: "aud", Required: true, Meaning: value, Preset: value, Patterns: []string{value}}
}

// audience is a required audience that matches one of the patterns. It must be
// a string, not a list.
func audience(meaning string, patterns ...string) Claim {
	return Claim{Name: "aud", Required: true, Meaning: meaning, Patterns: patterns, Single: true}
}

// clientID is the issuer of a client assertion (RFC 7523 §3); [sameAsIssuer]
// is its subject.
func clientID() Claim { return required("iss", "the client ID") }

func sameAsIssuer() Claim {
	return Claim{Name: "sub", Required: true, Meaning: "the same as iss", SameAs: "iss"}
}

// optionalIssuedAt is an iat that may be absent. Without this rule iat is
// required.
func optionalIssuedAt() Claim { return Claim{Name: "iat", Meaning: timeOfIssue, JSONType: "number"} }

// tokenID is a required jti. Lengths are in characters; 0 means no limit.
func tokenID(minLength, maxLength int) Claim {
	return Claim{Name: "jti", Required: true, Meaning: "an id that is used once", MinLength: minLength, MaxLength: maxLength}
}

const (
	minute = 60
	hour   = 60 * minute
)
