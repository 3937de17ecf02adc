package provider

import "conductor-jwt/keys"

func hs256() []keys.Algorithm { return []keys.Algorithm{keys.HS256} }

// secrets are the providers that share a secret with their clients.
func secrets() []*Profile {
	return []*Profile{
		{
			Name: "supabase", Provider: "Supabase, a token for its APIs",
			Page: "https://supabase.com/docs/guides/auth/jwts", Exchange: Bearer,
			Algorithms: []keys.Algorithm{keys.ES256, keys.RS256, keys.HS256},
			Claims: []Claim{
				{Name: "role", Required: true, Meaning: "the role in the database, such as authenticated", Preset: "authenticated"},
				sole("authenticated"),
				{Name: "sub", Meaning: "the user's id"},
				issuedAt(),
			},
		},
		{
			Name: "livekit", Provider: "LiveKit, an access token",
			Page: "https://docs.livekit.io/home/get-started/authentication/", Exchange: Bearer,
			Algorithms: hs256(), NotBefore: true,
			Claims: []Claim{
				needed("iss", "the API key"),
				{Name: "sub", Meaning: "the identity of the participant, to join a room"},
				{Name: "video", Required: true, Meaning: "what the token permits, such as {\"roomCreate\": true}", JSONType: "object"},
				issuedAt(),
			},
		},
		{
			Name: "tableau", Provider: "Tableau, a connected app with direct trust",
			Page: "https://help.tableau.com/current/online/en-us/connected_apps_direct.htm", Exchange: Request,
			Algorithms: hs256(), KeyID: "the secret ID", TTL: 5 * minute, MaxTTL: 10 * minute, ScopeClaim: "scp", ScopeFormat: "array", Replicated: []string{"iss"},
			Claims: []Claim{
				needed("iss", "the client ID of the connected app"), needed("sub", "the user's name"),
				sole("tableau"), tokenID(0, 0), issuedAt(),
				{Name: "scp", Required: true, Meaning: "the scopes, a list", JSONType: "array"},
			},
		},
	}
}
