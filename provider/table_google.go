package provider

const (
	accountMeans = "the client_email of the service account, which comes with its JSON key file"
	accountKeyID = "the private_key_id of the service account, which comes with its JSON key file"
)

func google() []*Profile {
	account := needed("iss", accountMeans)
	return []*Profile{
		{
			Name: "google-service-account", Provider: "Google, a service account's OAuth 2.0 access token",
			Page: "https://developers.google.com/identity/protocols/oauth2/service-account", Exchange: Assertion,
			Algorithms: rs256(), KeyID: accountKeyID, TTL: 5 * minute, MaxTTL: hour, FromIssue: true,
			Claims: []Claim{
				account,
				{Name: "sub", Meaning: "the user to act for, with domain-wide delegation only"},
				sole("https://oauth2.googleapis.com/token"),
				{Name: "scope", Meaning: "the scopes of the access token"},
				{Name: "target_audience", Meaning: "instead of scopes: whom an ID token is for (Cloud Run, IAP)"},
			},
			OneOf: []string{"scope", "target_audience"}, compute: ofAccount,
		},
		{
			Name: "google-self-signed", Provider: "Google, a service account's self-signed token",
			Page: "https://google.aip.dev/auth/4111", Exchange: Bearer,
			Algorithms: rs256(), KeyID: accountKeyID, TTL: hour, MinTTL: hour, MaxTTL: hour, FromIssue: true,
			Claims: []Claim{
				account, sameAsIssuer(),
				{Name: "aud", Meaning: "the API with a slash at its end, such as https://pubsub.googleapis.com/", Patterns: []string{"https://*.googleapis.com/"}, Single: true},
				{Name: "scope", Meaning: "instead of an audience: the scopes"},
			},
			OneOf: []string{"aud", "scope"}, compute: ofAccount,
		},
		{
			Name: "firebase", Provider: "Firebase and Identity Platform, a custom token",
			Page: "https://firebase.google.com/docs/auth/admin/create-custom-tokens", Exchange: Request,
			Algorithms: rs256(), MaxTTL: hour, FromIssue: true,
			Claims: []Claim{
				account, sameAsIssuer(),
				sole("https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"),
				{Name: "uid", Required: true, Meaning: "the user's id, 1 to 128 characters", MinLength: 1, MaxLength: 128},
				{Name: "claims", Meaning: "further claims of the user", JSONType: "object"},
			},
			compute: ofAccount,
		},
	}
}
