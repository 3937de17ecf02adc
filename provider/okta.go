package provider

func okta() *Profile {
	return &Profile{
		Name: "okta", Title: "Okta, private_key_jwt",
		DocsURL: "https://developer.okta.com/docs/guides/build-self-signed-jwt/js/main/", Exchange: ClientAssertion,
		Algorithms: append(rsaPKCS1(), ecdsa()...), KeyID: "the key's id at Okta, which its JWK carries", MaxTTL: hour,
		Claims: []Claim{clientID(), sameAsIssuer(), optionalIssuedAt(), audience(
			"the token URL or the issuer of the authorization server, such as https://example.okta.com/oauth2/v1/token or https://example.okta.com",
			"https://*", "https://*/oauth2/*", "https://*/oauth2/v1/token", "https://*/oauth2/*/v1/token",
		)},
		Recipe: Recipe{
			Secret: "OKTA_KEY", KeySetup: newKey + registerJWKS, signInputs: clientInputs + keyIDInput,
			inputs: clientDefaults + `"audience":"https://example.okta.com/oauth2/v1/token","scope":"okta.users.read","tokenUrl":"https://example.okta.com/oauth2/v1/token",` +
				`"apiUrl":"https://example.okta.com/api/v1/users"`,
			request: clientAssertionForm + `&scope=${workflow.input.scope}"`, accessToken: "access_token",
			Problems: []string{invalidClient, "`invalid_scope`: the scope is not granted to the app."},
		},
	}
}
