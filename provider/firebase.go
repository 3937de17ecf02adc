package provider

func firebase() *Profile {
	return &Profile{
		Name: "firebase", Title: "Firebase and Identity Platform, a custom token",
		DocsURL: "https://firebase.google.com/docs/auth/admin/create-custom-tokens", Exchange: CustomRequest,
		Algorithms: rs256(), MaxTTL: hour, FromIssue: true,
		Claims: []Claim{
			required("iss", accountIssuer), sameAsIssuer(),
			soleAudience("https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"),
			{Name: "uid", Required: true, Meaning: "the user's id", MinLength: 1, MaxLength: 128},
			{Name: "claims", Meaning: "further claims of the user", JSONType: "object"},
		},
		issuer: serviceAccount,
		Recipe: Recipe{
			Secret: accountSecret, KeySetup: accountKey,
			signInputs: `"claims":{"uid":"${workflow.input.uid}"}`,
			inputs: `"uid":"user-1","tokenUrl":"https://identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken?key=WEB_API_KEY",` +
				`"apiUrl":"https://firestore.googleapis.com/v1/projects/my-project/databases/(default)/documents/users"`,
			request: post + `"contentType":"application/json","body":{"token":"${jwt.output.token}","returnSecureToken":true}`, accessToken: "idToken",
			Problems: []string{"`INVALID_CUSTOM_TOKEN`: the service account is another project's than the API key."},
		},
	}
}
