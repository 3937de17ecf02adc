package provider

import "conductor-jwt/internal/jsonobj"

func firebase() *Profile {
	return &Profile{
		Name: "firebase", Title: "Firebase and Identity Platform, a custom token",
		DocsURL: "https://firebase.google.com/docs/auth/admin/create-custom-tokens", Use: CustomRequest,
		Algorithms: rs256(), MaxTTL: hour, FromIssue: true,
		Claims: []Claim{
			required("iss", accountIssuer), sameAsIssuer(),
			soleAudience("https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"),
			{Name: "uid", Required: true, Meaning: "the user's id", MinLength: 1, MaxLength: 128},
			{Name: "claims", Meaning: "further claims of the user", JSONType: "object"},
		},
		issuer: serviceAccount,
		Exchange: &Exchange{
			URL: "https://identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken",
			Parameters: []Parameter{
				{Name: "apiKey", Meaning: "the web API key of the project", Type: wordType, Required: true},
				{Name: "tenantId", Meaning: "the Identity Platform tenant that the user signs in to", Type: wordType, Field: "tenantId"},
			},
			Token: []string{"idToken"}, Temporary: []string{"QUOTA_EXCEEDED", "TOO_MANY_ATTEMPTS_TRY_LATER"},
			request: signInWithCustomToken,
		},
		Recipe: Recipe{
			Secret: accountSecret, KeySetup: accountKey,
			task:     `"claims":{"uid":"${workflow.input.uid}"},"parameters":{"apiKey":"${workflow.input.apiKey}"}`,
			inputs:   `"uid":"user-1","apiKey":"web-api-key","apiUrl":"https://firestore.googleapis.com/v1/projects/my-project/databases/(default)/documents/users"`,
			Problems: []string{"`INVALID_CUSTOM_TOKEN`: service account and API key belong to different projects."},
		},
	}
}

// signInWithCustomToken sends the API key in a header, which Google accepts in place
// of the query parameter key: URLs are logged by proxies, headers are not.
func signInWithCustomToken(x *Exchange, in *ExchangeInput, r *ExchangeRequest) {
	var body jsonobj.Object
	body.String("token", in.Assertion.Reveal())
	body.Set("returnSecureToken", []byte("true"))
	r.Header["X-Goog-Api-Key"], _ = in.Parameters.Text("apiKey")
	x.postJSON(in, r, body)
}
