package provider

func docusign() *Profile {
	return &Profile{
		Name: "docusign", Title: "DocuSign, the JWT grant",
		DocsURL: "https://developers.docusign.com/platform/auth/jwt-get-token", Use: Assertion,
		Algorithms: rs256(), MaxTTL: hour, FromIssue: true,
		Claims: []Claim{
			required("iss", "the integration key"), required("sub", "the user's id, a GUID"),
			audience("account.docusign.com or account-d.docusign.com, a host without https://", "account.docusign.com", "account-d.docusign.com"),
			{Name: "scope", Required: true, Meaning: "signature impersonation", Preset: "signature impersonation"},
		},
		Exchange: &Exchange{
			Patterns: []string{"https://account.docusign.com/oauth/token", "https://account-d.docusign.com/oauth/token"},
			endpoint: func(audience string) string {
				if audience == "" {
					return ""
				}
				return "https://" + audience + "/oauth/token"
			},
		},
		Recipe: Recipe{
			Secret: "DOCUSIGN_KEY", KeySetup: "*Apps and Keys*: add an RSA key pair to the integration key. The private key is shown once.",
			task:   issuerAndSubject + `,"audience":"${workflow.input.audience}"`,
			inputs: `"issuer":"integration-key","subject":"user-guid","audience":"account-d.docusign.com","apiUrl":"https://account-d.docusign.com/oauth/userinfo"`,
			Problems: []string{
				"`consent_required`: the user must open the consent page once, with the token's scopes.",
				"`issuer_not_found`: the integration key belongs to the other environment (demo, production).",
			},
		},
	}
}
