package provider

import "strings"

func okta() *Profile {
	return &Profile{
		Name: "okta", Title: "Okta, private_key_jwt",
		DocsURL: "https://developer.okta.com/docs/guides/build-self-signed-jwt/js/main/", Use: ClientAssertion,
		Algorithms: append(rsaPKCS1(), ecdsa()...), KeyID: "the key's id at Okta, which its JWK carries", MaxTTL: hour,
		Claims: []Claim{clientID(), sameAsIssuer(), optionalIssuedAt(), audience(
			"the token URL or the issuer of the authorization server, such as https://example.okta.com/oauth2/v1/token or https://example.okta.com",
			"https://*", "https://*/oauth2/*", "https://*/oauth2/v1/token", "https://*/oauth2/*/v1/token",
		)},
		Exchange: &Exchange{Patterns: oktaPatterns(), Scope: true, endpoint: oktaEndpoint},
		Recipe: Recipe{
			Secret: "OKTA_KEY", KeySetup: newKey + registerJWKS, task: clientInputs + keyIDInput + scopesInput,
			inputs: clientDefaults + `"audience":"https://example.okta.com/oauth2/v1/token","scopes":"okta.users.read","apiUrl":"https://example.okta.com/api/v1/users"`,
			Problems: []string{
				invalidClient, "`invalid_scope`: grant the scope to the app.",
				"`invalid_dpop_proof`: turn off *Require Demonstrating Proof of Possession (DPoP) header* in the app.",
			},
		},
	}
}

// oktaPatterns match the authorization servers at Okta's domains.
func oktaPatterns() []string {
	var patterns []string
	for _, domain := range []string{"okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"} {
		patterns = append(patterns, "https://*."+domain+"/oauth2/v1/token", "https://*."+domain+"/oauth2/*/v1/token")
	}
	return patterns
}

// oktaEndpoint returns the token endpoint of an authorization server, whose issuer
// may also be the audience. The org's own server has no name.
func oktaEndpoint(audience string) string {
	switch {
	case strings.HasSuffix(audience, "/v1/token"):
		return audience
	case strings.Contains(audience, "/oauth2/"):
		return audience + "/v1/token"
	}
	return below(audience, "/oauth2/v1/token")
}
