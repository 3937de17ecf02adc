package provider

import "strings"

func salesforce() *Profile {
	return &Profile{
		Name: "salesforce", Title: "Salesforce, the JWT bearer flow",
		DocsURL: "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm", Use: Assertion,
		Algorithms: rs256(), TTL: 3 * minute, MaxTTL: 3 * minute,
		Claims: []Claim{
			required("iss", "the consumer key of the external client app"), required("sub", "the user's name"),
			// Orgs made since Spring '26 refuse login. and test.salesforce.com;
			// older ones and Government Cloud need them.
			audience(
				"the My Domain URL of the org, such as https://example.my.salesforce.com",
				"https://*.my.salesforce.com", "https://*.my.site.com", "https://*.my.site.com/**", "https://*.force.com", "https://*.force.com/**",
				"https://login.salesforce.com", "https://test.salesforce.com",
			),
			optionalIssuedAt(),
		},
		// Not the hosts of sites (my.site.com): a tenant's own pages answer there, and may
		// answer under any path.
		Exchange: &Exchange{
			Patterns: []string{
				"https://**.my.salesforce.com/services/oauth2/token", "https://login.salesforce.com/services/oauth2/token", "https://test.salesforce.com/services/oauth2/token",
			},
			Response: []string{"instance_url", "id"},
			// The answer does not tell when the token ends: after a time without use that
			// the org sets, of 15 minutes at least.
			Lifetime: 15 * minute, Temporary: []string{"rate_limit_exceeded"},
			endpoint: func(audience string) string {
				return below(strings.TrimSuffix(audience, "/"), "/services/oauth2/token")
			},
		},
		Recipe: Recipe{
			Secret:   "SALESFORCE_KEY",
			KeySetup: newCertificate + " Make an external client app (*Setup*, *External Client App Manager*), enable the JWT bearer flow, upload key.crt.",
			task:     issuerAndSubject + `,"audience":"${workflow.input.audience}"`,
			inputs: `"issuer":"3MVG9consumerkey","subject":"user@example.com","audience":"https://example.my.salesforce.com",` +
				`"apiUrl":"https://example.my.salesforce.com/services/data/v62.0/limits"`,
			Problems: []string{
				"`invalid_grant`, *user hasn't approved this consumer*: pre-authorise the app for the user's profile.",
				"`app_not_found`: the audience is not the My Domain URL of the app's org (sandbox: `https://example--sandbox.sandbox.my.salesforce.com`). " +
					"A refreshed sandbox needs the app again.",
				"`invalid_grant`, *audience is invalid*: older orgs and Government Cloud may want https://login.salesforce.com (sandbox: https://test.salesforce.com), " +
					"and `tokenUrl` https://example.my.salesforce.com/services/oauth2/token.",
			},
		},
	}
}
