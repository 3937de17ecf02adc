package provider

import "conductor-jwt/keys"

const (
	accountIssuer = "the client_email of the service account's JSON key file"
	accountKeyID  = "the private_key_id of the service account's JSON key file"
	accountSecret = "GOOGLE_SERVICE_ACCOUNT"
	accountKey    = "Make a JSON key in the Google Cloud console: *IAM*, *Service Accounts*, *Keys*."
)

func googleServiceAccount() *Profile {
	return &Profile{
		Name: "google-service-account", Title: "Google, a service account's OAuth 2.0 access token",
		DocsURL: "https://developers.google.com/identity/protocols/oauth2/service-account", Use: Assertion,
		Algorithms: rs256(), KeyID: accountKeyID, TTL: 5 * minute, MaxTTL: hour, FromIssue: true,
		Claims: []Claim{
			required("iss", accountIssuer),
			{Name: "sub", Meaning: "the user to act for, with domain-wide delegation only"},
			soleAudience("https://oauth2.googleapis.com/token"),
			{Name: "scope", Meaning: "the scopes of the access token"},
			{Name: "target_audience", Meaning: "instead of scopes: the audience of an ID token (Cloud Run, IAP)"},
		},
		OneOf: []string{"scope", "target_audience"}, issuer: serviceAccount,
		// With target_audience the answer has an ID token alone.
		Exchange: &Exchange{URL: "https://oauth2.googleapis.com/token", Token: []string{"access_token", "id_token"}},
		Recipe: Recipe{
			Secret: accountSecret, KeySetup: accountKey,
			task:   `"scopes":"${workflow.input.scopes}"`,
			inputs: `"scopes":"https://www.googleapis.com/auth/devstorage.read_only","apiUrl":"https://storage.googleapis.com/storage/v1/b?project=my-project"`,
			Problems: []string{
				"`invalid_grant`, *Invalid JWT Signature*: the key was deleted in the console.",
				"403 from the API: the service account has no role there.",
			},
		},
	}
}

func googleSelfSigned() *Profile {
	return &Profile{
		Name: "google-self-signed", Title: "Google, a service account's self-signed token",
		DocsURL: "https://google.aip.dev/auth/4111", Use: Bearer,
		Algorithms: rs256(), KeyID: accountKeyID, TTL: hour, MinTTL: hour, MaxTTL: hour, FromIssue: true,
		Claims: []Claim{
			required("iss", accountIssuer), sameAsIssuer(),
			{Name: "aud", Meaning: "the API with a slash at its end, such as https://pubsub.googleapis.com/", Patterns: []string{"https://*.googleapis.com/"}, Single: true},
			{Name: "scope", Meaning: "instead of an audience: the scopes"},
		},
		OneOf: []string{"aud", "scope"}, issuer: serviceAccount,
		Recipe: Recipe{
			Secret: accountSecret, KeySetup: accountKey,
			task:   `"audience":"${workflow.input.audience}"`,
			inputs: `"audience":"https://pubsub.googleapis.com/","apiUrl":"https://pubsub.googleapis.com/v1/projects/my-project/topics"`,
			Problems: []string{
				"401: the audience is another API, or lacks the final slash.",
				"Some APIs do not accept these tokens: use google-service-account.",
			},
		},
	}
}

// serviceAccount is the issuer of a service account: its email address, which
// its key file has beside the key.
func serviceAccount(_ Parties, key keys.Key) (string, error) {
	if accounted, ok := key.(keys.Accounted); ok {
		return accounted.Account(), nil
	}
	return "", nil
}
