package provider

func netsuite() *Profile {
	return &Profile{
		Name: "netsuite", Title: "Oracle NetSuite, OAuth 2.0 client credentials",
		DocsURL: "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162686838198.html", Use: ClientAssertion,
		Algorithms: append(rsaPSS(), ecdsa()...), Type: "JWT", KeyID: "the certificate ID of the mapping", MaxTTL: hour - 1, FromIssue: true, ScopeFormat: "comma",
		Claims: []Claim{
			required("iss", "the client ID of the integration record"),
			audience(
				"the token URL of the account, such as https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",
				"https://*.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",
			),
			required("scope", "restlets, rest_webservices or suite_analytics, a list"),
		},
		Exchange: &Exchange{
			Patterns: []string{"https://*.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"},
			endpoint: func(audience string) string { return audience },
		},
		Recipe: Recipe{
			Secret: "NETSUITE_KEY",
			KeySetup: "Run `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out key.crt -subj /CN=conductor -days 700`. " +
				"Upload key.crt under *OAuth 2.0 Client Credentials (M2M) Setup*. Its certificate ID is the key id.",
			task: `"issuer":"${workflow.input.clientId}","privateKeyId":"${workflow.input.keyId}","scopes":"rest_webservices","audience":"${workflow.input.audience}"`,
			inputs: `"clientId":"client-id","keyId":"certificate-id","audience":"https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",` +
				`"apiUrl":"https://1234567.suitetalk.api.netsuite.com/services/rest/record/v1/customer"`,
			Problems: []string{"`invalid_request`: the certificate has expired. The maximum is two years."},
		},
	}
}
