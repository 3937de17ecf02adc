package provider

func box() *Profile {
	return &Profile{
		Name: "box", Title: "Box, server authentication with JWT",
		DocsURL: "https://developer.box.com/guides/authentication/jwt/without-sdk/", Use: Assertion,
		Algorithms: rsaPKCS1(), KeyID: "the publicKeyID of the app's config.json", TTL: 45, MaxTTL: minute,
		Claims: []Claim{
			required("iss", "the client ID"), required("sub", "the id of the enterprise or of the user"),
			{Name: "box_sub_type", Required: true, Meaning: "enterprise or user: what sub is", Patterns: []string{"enterprise", "user"}},
			soleAudience("https://api.box.com/oauth2/token"), tokenID(16, 128),
			optionalIssuedAt(),
		},
		Exchange: &Exchange{
			URL: "https://api.box.com/oauth2/token", ClientID: "iss",
			Parameters: []Parameter{
				{Name: "clientSecret", Meaning: "the clientSecret of the app's config.json", Type: textType, Required: true, Sealed: true, Field: "client_secret"},
			},
		},
		Recipe: Recipe{
			Secret:   "BOX_KEY",
			KeySetup: "Generate a key pair in the developer console. Store from config.json: `privateKey` as BOX_KEY, `passphrase` as BOX_PASSPHRASE, `clientSecret` as BOX_CLIENT_SECRET.",
			task: issuerAndSubject + `,"privateKeyId":"${workflow.input.keyId}","privateKeyPassword":"${workflow.secrets.BOX_PASSPHRASE}",` +
				`"claims":{"box_sub_type":"enterprise"},"parameters":{"clientSecret":"${workflow.secrets.BOX_CLIENT_SECRET}"}`,
			inputs: `"issuer":"client-id","subject":"enterprise-id","keyId":"public-key-id","apiUrl":"https://api.box.com/2.0/users/me"`,
			Problems: []string{
				"`unauthorized_client`: the app is not authorised in the admin console.",
				"`invalid_grant`, *check the 'exp' claim*: the clocks differ; a token is valid for a minute.",
			},
		},
	}
}
