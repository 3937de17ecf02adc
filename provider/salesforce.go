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
			Secret: "SALESFORCE_KEY",
			KeySetup: newKey + " Make a certificate of it with `openssl req -x509 -key key.pem -out key.crt -days 730 -subj /CN=conductor`. " +
				"Make an external client app (*Setup*, *External Client App Manager*), enable the JWT bearer flow and upload key.crt there. Since Spring '26 new orgs have connected apps turned off.",
			task: issuerAndSubject + `,"audience":"${workflow.input.audience}"`,
			inputs: `"issuer":"3MVG9consumerkey","subject":"user@example.com","audience":"https://example.my.salesforce.com",` +
				`"apiUrl":"https://example.my.salesforce.com/services/data/v62.0/limits"`,
			Problems: []string{
				"`invalid_grant`, *user hasn't approved this consumer*: let an administrator pre-authorise the app for the user's profile.",
				"`app_not_found`, *External client app is not installed in this org*: the audience must be the My Domain URL of the org that has the app, " +
					"not `login.salesforce.com` or `test.salesforce.com`; of a sandbox it is `https://example--sandbox.sandbox.my.salesforce.com`. A sandbox that was refreshed needs the app again.",
				"`invalid_grant`, *audience is invalid*: orgs from before Spring '26 and Government Cloud may want https://login.salesforce.com, or https://test.salesforce.com for a sandbox, as the audience. Then set `tokenUrl` to that of My Domain, https://example.my.salesforce.com/services/oauth2/token.",
			},
		},
	}
}
