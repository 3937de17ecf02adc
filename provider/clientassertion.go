package provider

import (
	"slices"

	"conductor-jwt/keys"
)

// clientAssertion is no one provider's: it is what RFC 10070 and FAPI 2.0 ask
// of every client.
func clientAssertion() *Profile {
	return &Profile{
		Name: "client-assertion", Title: "RFC 10070 and FAPI 2.0, private_key_jwt",
		DocsURL: "https://www.rfc-editor.org/info/rfc10070", Use: ClientAssertion,
		Algorithms: slices.Concat(rsaPSS(), ecdsa(), []keys.Algorithm{keys.EdDSA, keys.Ed25519}, rsaPKCS1()),
		Type:       "client-authentication+jwt", TTL: minute, MaxTTL: hour,
		Claims: []Claim{
			clientID(), sameAsIssuer(),
			audience("the issuer of the authorization server, not its token URL, such as https://as.example.com", "https://**"),
			tokenID(0, 0), optionalIssuedAt(),
		},
		// The token endpoint does not follow from the issuer: it is in its metadata.
		Exchange: &Exchange{
			Scope:      true,
			Parameters: []Parameter{{Name: "resource", Meaning: "the resources that the access token is for (RFC 8707)", Type: urisType, Field: "resource"}},
		},
		Recipe: Recipe{
			Secret: "CLIENT_KEY", KeySetup: newKey + registerJWKS, task: clientInputs + tokenURLInput,
			inputs: `"clientId":"client-id","audience":"https://as.example.com","tokenUrl":"https://as.example.com/token","apiUrl":"https://api.example.com/"`,
			Problems: []string{
				invalidClient,
				"The audience is the authorization server's `issuer`, not its token URL (RFC 10070 §4).",
				"RSA keys sign with PS256: FAPI 2.0 does not permit RS256.",
			},
		},
	}
}
