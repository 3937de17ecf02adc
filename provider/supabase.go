package provider

import "conductor-jwt/keys"

func supabase() *Profile {
	return &Profile{
		Name: "supabase", Title: "Supabase, a token for its APIs",
		DocsURL: "https://supabase.com/docs/guides/auth/jwts", Use: Bearer,
		Algorithms: []keys.Algorithm{keys.ES256, keys.RS256, keys.HS256},
		Claims: []Claim{
			{Name: "role", Required: true, Meaning: "the role in the database, such as authenticated", Preset: "authenticated"},
			soleAudience("authenticated"),
			{Name: "sub", Meaning: "the user's id"},
			optionalIssuedAt(),
		},
		Recipe: Recipe{
			Secret:   "SUPABASE_JWT_SECRET",
			KeySetup: "The key is the project's JWT secret (*Project Settings*, *JWT Keys*). In newer projects, import a key pair, use its PEM, and remove `secretEncoding`.",
			task:     rawSecret + `,"subject":"${workflow.input.userId}"`,
			inputs:   `"userId":"00000000-0000-0000-0000-000000000000","apiUrl":"https://example.supabase.co/rest/v1/todos","apiKey":"publishable-key"`,
			header:   bearer + `,"apikey":"${workflow.input.apiKey}"`,
			Problems: []string{
				"401 from the gateway: `apikey` belongs to another project.",
				"Empty response: row level security hides everything.",
			},
		},
	}
}
