package provider

func vonage() *Profile {
	return &Profile{
		Name: "vonage", Title: "Vonage, an application",
		DocsURL: "https://developer.vonage.com/en/getting-started/concepts/authentication", Use: Bearer,
		Algorithms: rs256(), MaxTTL: 24 * hour, FromIssue: true,
		Claims: []Claim{
			required("application_id", "the application's id"), tokenID(0, 0), forbidden("iss"),
			{Name: "acl", Meaning: "the paths that the token permits", JSONType: "object"},
		},
		Recipe: Recipe{
			Secret: "VONAGE_KEY", KeySetup: "Generate the application's key pair in the dashboard. The key is private.key.",
			task:     `"claims":{"application_id":"${workflow.input.applicationId}"}`,
			inputs:   `"applicationId":"aaaaaaaa-bbbb-cccc-dddd-0123456789ab","apiUrl":"https://api.nexmo.com/v1/calls"`,
			Problems: []string{"401: the key pair was generated again, which revokes the old one."},
		},
	}
}
