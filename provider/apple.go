package provider

import "net/url"

func appStoreConnect() *Profile {
	return &Profile{
		Name: "app-store-connect", Title: "Apple, the App Store Connect API",
		DocsURL: "https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests", Use: Bearer,
		Algorithms: es256(), Type: "JWT", KeyID: "the key ID", MaxTTL: 20 * minute, ScopeFormat: "array",
		Claims: []Claim{
			{Name: "iss", Meaning: "the issuer ID of the team"},
			{Name: "sub", Meaning: "instead of an issuer, with an individual key: user", Patterns: []string{"user"}},
			soleAudience("appstoreconnect-v1"),
			{Name: "scope", Meaning: "the requests that the token permits", JSONType: "array"},
		},
		OneOf: []string{"iss", "sub"},
		Recipe: Recipe{
			Secret: "APP_STORE_CONNECT_KEY", KeySetup: "App Store Connect, *Users and Access*, *Integrations*: make a team key.",
			task:   `"issuer":"${workflow.input.issuer}","privateKeyId":"${workflow.input.keyId}"`,
			inputs: `"issuer":"issuer-id","keyId":"2X9R4HXF34","apiUrl":"https://api.appstoreconnect.apple.com/v1/apps"`,
			Problems: []string{
				"401 `NOT_AUTHORIZED`: the key was revoked, or the issuer ID is another team's.",
				"For an individual key, write `\"subject\":\"user\"` in place of `issuer`.",
			},
		},
	}
}

func appleSignIn() *Profile {
	return &Profile{
		Name: "apple-sign-in", Title: "Apple, the client secret of Sign in with Apple",
		DocsURL: "https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret", Use: CustomRequest,
		Algorithms: es256(), KeyID: "the key ID", MaxTTL: 15_777_000,
		Claims: []Claim{
			required("iss", "the team ID"), required("sub", "the client ID: the services ID or the app ID"),
			soleAudience("https://appleid.apple.com"),
		},
		Exchange: &Exchange{
			URL: "https://appleid.apple.com/auth/token", ClientID: "sub",
			Parameters: []Parameter{
				{Name: "code", Meaning: "the authorization code of the user, which is valid once and for five minutes", Type: textType, Field: "code"},
				{Name: "refreshToken", Meaning: "the refresh token of the user", Type: textType, Sealed: true, Field: "refresh_token"},
				{Name: "redirectUri", Meaning: "the redirect_uri of the request for the code, if it had one", Type: uriType, Field: "redirect_uri"},
			},
			OneOf: []string{"code", "refreshToken"}, Response: []string{"id_token", "refresh_token"},
			request: appleGrant,
		},
		Recipe: Recipe{
			Secret: "APPLE_SIGN_IN_KEY", KeySetup: "*Certificates, Identifiers & Profiles*: make a key with *Sign in with Apple*.",
			task: `"issuer":"${workflow.input.teamId}","subject":"${workflow.input.clientId}","privateKeyId":"${workflow.input.keyId}",` +
				`"parameters":{"code":"${workflow.input.code}"}`,
			inputs:   `"teamId":"DEF123GHIJ","clientId":"com.example.web","keyId":"ABC123DEFG","code":"authorization-code","apiUrl":"https://example.com/"`,
			Problems: []string{"`invalid_grant`: an authorization code is valid once, for five minutes. The user must sign in again."},
		},
	}
}

// appleGrant sends the signed token as the client's secret.
func appleGrant(x *Exchange, in *ExchangeInput, r *ExchangeRequest) {
	grant := "authorization_code"
	if _, ok := given(&in.Parameters, "refreshToken"); ok {
		grant = "refresh_token"
	}
	x.postForm(in, r, url.Values{"grant_type": {grant}, "client_secret": {in.Assertion.Reveal()}})
}
