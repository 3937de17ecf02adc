package provider

func apple() []*Profile {
	return []*Profile{
		{
			Name: "app-store-connect", Provider: "Apple, the App Store Connect API",
			Page: "https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests", Exchange: Bearer,
			Algorithms: es256(), Type: "JWT", KeyID: "the key ID", MaxTTL: 20 * minute, ScopeFormat: "array",
			Claims: []Claim{
				{Name: "iss", Meaning: "the issuer ID of the team"},
				{Name: "sub", Meaning: "instead of an issuer, with an individual key: user", Patterns: []string{"user"}},
				sole("appstoreconnect-v1"),
				{Name: "scope", Meaning: "the requests that the token is good for", JSONType: "array"},
			},
			OneOf: []string{"iss", "sub"},
		},
		{
			Name: "apple-sign-in", Provider: "Apple, the client secret of Sign in with Apple",
			Page: "https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret", Exchange: Request,
			Algorithms: es256(), KeyID: "the key ID", MaxTTL: 15_777_000,
			Claims: []Claim{
				needed("iss", "the team ID"), needed("sub", "the client ID: the services ID or the app ID"),
				sole("https://appleid.apple.com"),
			},
		},
	}
}
