package provider

import "conductor-jwt/internal/jsonobj"

func tableau() *Profile {
	return &Profile{
		Name: "tableau", Title: "Tableau, a connected app with direct trust",
		DocsURL: "https://help.tableau.com/current/online/en-us/connected_apps_direct.htm", Use: CustomRequest,
		Algorithms: hs256(), KeyID: "the secret ID", TTL: 5 * minute, MaxTTL: 10 * minute, ScopeClaim: "scp", ScopeFormat: "array", Replicated: []string{"iss"},
		Claims: []Claim{
			required("iss", "the client ID of the connected app"), required("sub", "the user's name"),
			soleAudience("tableau"), tokenID(0, 0), optionalIssuedAt(),
			{Name: "scp", Required: true, Meaning: "the scopes, a list", JSONType: "array"},
		},
		Exchange: &Exchange{
			Patterns:   []string{"https://*.online.tableau.com/api/*/auth/signin"},
			Parameters: []Parameter{{Name: "site", Meaning: "the content URL of the site; without it, the default site", Type: wordType}},
			Token:      []string{"credentials.token"}, TokenType: "X-Tableau-Auth", Response: []string{"credentials.site", "credentials.user"},
			// Of Tableau Cloud, after the last use; 240 minutes on Tableau Server, unless its
			// administrator has set wgserver.session.idle_limit.
			Lifetime: 120 * minute,
			request:  tableauSignIn,
		},
		Recipe: Recipe{
			Secret: "TABLEAU_SECRET", KeySetup: "Make and enable a connected app with direct trust. Generate a secret; its id is the key id.",
			task: rawSecret + "," + issuerAndSubject + `,"privateKeyId":"${workflow.input.keyId}","scopes":"tableau:content:read","parameters":{"site":"${workflow.input.site}"}` + tokenURLInput,
			inputs: `"issuer":"client-id","subject":"user@example.com","keyId":"secret-id","site":"mysite","tokenUrl":"https://example.online.tableau.com/api/3.27/auth/signin",` +
				`"apiUrl":"https://example.online.tableau.com/api/3.27/sites"`,
			header: `"X-Tableau-Auth":"${token.output.accessToken}"`,
			Problems: []string{
				"401001: the connected app is disabled, or the user is not in this site.",
			},
		},
	}
}

// tableauSignIn sends the signed token as credentials.
func tableauSignIn(x *Exchange, in *ExchangeInput, r *ExchangeRequest) {
	content, _ := in.Parameters.Text("site")
	var site, credentials, body jsonobj.Object
	site.String("contentUrl", content)
	credentials.String("jwt", in.Assertion.Reveal())
	credentials.Set("site", site.AppendJSON(nil))
	body.Set("credentials", credentials.AppendJSON(nil))
	x.postJSON(in, r, body)
}
