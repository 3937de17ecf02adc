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
		Exchange: &Exchange{
			Patterns: []string{
				"https://*.okta.com/oauth2/v1/token", "https://*.okta.com/oauth2/*/v1/token", "https://*.oktapreview.com/oauth2/v1/token", "https://*.oktapreview.com/oauth2/*/v1/token",
				"https://*.okta-emea.com/oauth2/v1/token", "https://*.okta-emea.com/oauth2/*/v1/token", "https://*.okta-gov.com/oauth2/v1/token", "https://*.okta-gov.com/oauth2/*/v1/token",
			},
			Scope: true, endpoint: oktaEndpoint,
		},
		Recipe: Recipe{
			Secret: "OKTA_KEY", KeySetup: newKey + registerJWKS, signInputs: clientInputs + keyIDInput,
			inputs: clientDefaults + `"audience":"https://example.okta.com/oauth2/v1/token","scope":"okta.users.read","tokenUrl":"https://example.okta.com/oauth2/v1/token",` +
				`"apiUrl":"https://example.okta.com/api/v1/users"`,
			request: clientAssertionForm + `&scope=${workflow.input.scope}"`, accessToken: "access_token",
			Problems: []string{invalidClient, "`invalid_scope`: the scope is not granted to the app."},
		},
	}
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
