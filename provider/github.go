package provider

func githubApp() *Profile {
	return &Profile{
		Name: "github-app", Title: "GitHub, as an app",
		DocsURL:  "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app",
		Exchange: CustomRequest, Algorithms: rs256(), TTL: 10 * minute, MaxTTL: 10 * minute, Backdate: minute,
		Claims: []Claim{required("iss", "the client ID of the app, or its app ID"), forbidden("sub"), forbidden("aud"), forbidden("scope")},
		Recipe: Recipe{
			Secret: "GITHUB_APP_KEY", KeySetup: "In the settings of the app, under *Private keys*, generate one and take the PEM file as it is.",
			signInputs: `"issuer":"${workflow.input.clientId}"`,
			inputs:     `"clientId":"Iv23li0000","tokenUrl":"https://api.github.com/app/installations/1/access_tokens","apiUrl":"https://api.github.com/installation/repositories"`,
			request:    post + `"headers":{"Authorization":"Bearer ${jwt.output.token}"}`, accessToken: "token",
			Problems: []string{
				"404: the installation is another app's.",
				"401, *'Expiration time' claim ('exp') is too far in the future*: the worker's clock is ahead.",
			},
		},
	}
}
