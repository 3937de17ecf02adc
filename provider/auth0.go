package provider

import "conductor-jwt/keys"

func auth0() *Profile {
	return &Profile{
		Name: "auth0", Title: "Auth0, private_key_jwt",
		DocsURL: "https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt",
		Use:     ClientAssertion, Algorithms: []keys.Algorithm{keys.RS256, keys.RS384, keys.PS256}, TTL: minute, MaxTTL: 5 * minute,
		Claims: []Claim{
			clientID(), sameAsIssuer(),
			audience("the URL of the tenant with a slash at its end, such as https://example.auth0.com/", "https://*/"),
			tokenID(0, 64), optionalIssuedAt(),
		},
		// A custom domain is on the policy's list.
		Exchange: &Exchange{
			Patterns: []string{"https://**.auth0.com/oauth/token"}, ClientID: "iss", Scope: true,
			Parameters: []Parameter{
				{Name: "audience", Meaning: "the identifier of the API that the access token is for", Type: textType, Required: true, Field: "audience"},
				{Name: "organization", Meaning: "the organization that the access token is for", Type: wordType, Field: "organization"},
			},
			endpoint: func(audience string) string { return below(audience, "oauth/token") },
		},
		Recipe: Recipe{
			Secret: "AUTH0_KEY", KeySetup: newKey + " Upload key.pub.pem to the application, under *Private Key JWT*.",
			task:   clientInputs + `,"parameters":{"audience":"${workflow.input.api}"}`,
			inputs: `"clientId":"client-id","audience":"https://example.auth0.com/","api":"https://example.auth0.com/api/v2/","apiUrl":"https://example.auth0.com/api/v2/clients"`,
			Problems: []string{
				"`access_denied`: the application has no grant for the API.",
				"Custom domain: the audience is `https://login.example.com/`, and the policy file must list the token endpoint.",
			},
		},
	}
}
