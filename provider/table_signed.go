package provider

// signed are the providers that have rules of their own for a key pair.
func signed() []*Profile {
	return append([]*Profile{
		{
			Name: "github-app", Provider: "GitHub, as an app",
			Page:     "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app",
			Exchange: Request, Algorithms: rs256(), TTL: 10 * minute, MaxTTL: 10 * minute, Backdate: minute,
			Claims: []Claim{needed("iss", "the client ID of the app, or its app ID"), unfit("sub"), unfit("aud"), unfit("scope")},
		},
		{
			Name: "salesforce", Provider: "Salesforce, the JWT bearer flow",
			Page: "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm", Exchange: Assertion,
			Algorithms: rs256(), TTL: 3 * minute, MaxTTL: 3 * minute,
			Claims: []Claim{
				needed("iss", "the consumer key of the external client app"), needed("sub", "the user's name"),
				// Orgs made since Spring '26 refuse login. and test.salesforce.com;
				// older ones and Government Cloud need them.
				audience(
					"the My Domain URL of the org, such as https://example.my.salesforce.com",
					"https://*.my.salesforce.com", "https://*.my.site.com", "https://*.my.site.com/**", "https://*.force.com", "https://*.force.com/**",
					"https://login.salesforce.com", "https://test.salesforce.com",
				),
				issuedAt(),
			},
		},
		{
			Name: "snowflake", Provider: "Snowflake, key-pair authentication",
			Page: "https://docs.snowflake.com/en/developer-guide/sql-api/authenticating", Exchange: Bearer,
			Algorithms: rs256(), MaxTTL: hour, FromIssue: true,
			Claims: []Claim{
				// First, since iss follows from it.
				{
					Name: "sub", Required: true, Meaning: "ACCOUNT.USER in upper case, the account without its region, such as MYORG-MYACCOUNT.BOB",
					Patterns: []string{"*.*"}, UpperCase: true,
				},
				{
					Name: "iss", Required: true, Meaning: "ACCOUNT.USER.SHA256: and the fingerprint of the public key; the profile computes it",
					Preset: computed, Patterns: []string{"*.SHA256:**"},
				},
			},
			compute: ofFingerprint,
		},
		{
			Name: "docusign", Provider: "DocuSign, the JWT grant",
			Page: "https://developers.docusign.com/platform/auth/jwt-get-token", Exchange: Assertion,
			Algorithms: rs256(), MaxTTL: hour, FromIssue: true,
			Claims: []Claim{
				needed("iss", "the integration key"), needed("sub", "the user's id, a GUID"),
				audience("account.docusign.com or account-d.docusign.com, a host without https://", "account.docusign.com", "account-d.docusign.com"),
				{Name: "scope", Required: true, Meaning: "signature impersonation", Preset: "signature impersonation"},
			},
		},
		{
			Name: "vonage", Provider: "Vonage, an application",
			Page: "https://developer.vonage.com/en/getting-started/concepts/authentication", Exchange: Bearer,
			Algorithms: rs256(), MaxTTL: 24 * hour, FromIssue: true,
			Claims: []Claim{
				needed("application_id", "the application's id"), tokenID(0, 0), unfit("iss"),
				{Name: "acl", Meaning: "the paths that the token is good for", JSONType: "object"},
			},
		},
	}, boxAndNetSuite()...)
}

func boxAndNetSuite() []*Profile {
	return []*Profile{
		{
			Name: "box", Provider: "Box, server authentication with JWT",
			Page: "https://developer.box.com/guides/authentication/jwt/without-sdk/", Exchange: Assertion,
			Algorithms: rsa(), KeyID: "the publicKeyID of the app's config.json", TTL: 45, MaxTTL: minute,
			Claims: []Claim{
				needed("iss", "the client ID"), needed("sub", "the id of the enterprise or of the user"),
				{Name: "box_sub_type", Required: true, Meaning: "enterprise or user: what sub is", Patterns: []string{"enterprise", "user"}},
				sole("https://api.box.com/oauth2/token"), tokenID(16, 128),
				issuedAt(),
			},
		},
		{
			Name: "netsuite", Provider: "Oracle NetSuite, OAuth 2.0 client credentials",
			Page: "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162686838198.html", Exchange: ClientAssertion,
			Algorithms: append(pss(), ec()...), Type: "JWT", KeyID: "the certificate ID of the mapping", MaxTTL: hour - 1, FromIssue: true, ScopeFormat: "comma",
			Claims: []Claim{
				needed("iss", "the client ID of the integration record"),
				audience("the token URL of the account, such as https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token", "https://*.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"),
				needed("scope", "restlets, rest_webservices or suite_analytics, a list"),
			},
		},
	}
}
