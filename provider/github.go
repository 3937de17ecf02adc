package provider

import "conductor-jwt/internal/jsonobj"

func githubApp() *Profile {
	return &Profile{
		Name: "github-app", Title: "GitHub, as an app",
		DocsURL: "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app",
		Use:     CustomRequest, Algorithms: rs256(), TTL: 10 * minute, MaxTTL: 10 * minute, Backdate: minute,
		Claims: []Claim{required("iss", "the client ID of the app, or its app ID"), forbidden("sub"), forbidden("aud"), forbidden("scope")},
		Exchange: &Exchange{
			URL: "https://api.github.com/app/installations/{installationId}/access_tokens",
			// GitHub Enterprise Cloud with data residency.
			Patterns: []string{"https://api.*.ghe.com/app/installations/*/access_tokens"},
			Parameters: []Parameter{
				{Name: "installationId", Meaning: "the id of the app's installation, unless tokenUrl has it", Type: numberType},
				{Name: "repositories", Meaning: "the names of the repositories that the token may access, without their owner", Type: wordsType, Field: "repositories"},
				{Name: "repositoryIds", Meaning: "the ids of the repositories that the token may access", Type: numbersType, Field: "repository_ids"},
				{Name: "permissions", Meaning: "the permissions of the token, such as {\"contents\": \"read\"}", Type: pairsType, Field: "permissions"},
			},
			Token: []string{"token"}, Response: []string{"permissions", "repository_selection"},
			request: installationToken,
		},
		Recipe: Recipe{
			Secret: "GITHUB_APP_KEY", KeySetup: "Generate a key in the app's settings, *Private keys*.",
			task:   `"issuer":"${workflow.input.clientId}","parameters":{"installationId":"${workflow.input.installationId}"}`,
			inputs: `"clientId":"Iv23li0000","installationId":12345678,"apiUrl":"https://api.github.com/installation/repositories"`,
			Problems: []string{
				"404: the installation belongs to another app.",
				"401, *'Expiration time' claim ('exp') is too far in the future*: the worker's clock is ahead.",
			},
		},
	}
}

// installationToken sends the signed token as the app's authentication.
func installationToken(x *Exchange, in *ExchangeInput, r *ExchangeRequest) {
	x.postJSON(in, r, jsonobj.Object{})
	r.Header["Authorization"] = "Bearer " + in.Assertion.Reveal()
	r.Header["Accept"] = "application/vnd.github+json"
	r.Header["X-GitHub-Api-Version"] = "2022-11-28"
}
