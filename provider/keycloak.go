package provider

import (
	"slices"

	"conductor-jwt/keys"
)

func keycloak() *Profile {
	return &Profile{
		Name: "keycloak", Title: "Keycloak, signed JWT",
		DocsURL: "https://www.keycloak.org/docs/latest/server_admin/#_client-credentials", Use: ClientAssertion,
		Algorithms: slices.Concat(rsaPKCS1(), rsaPSS(), ecdsa(), []keys.Algorithm{keys.EdDSA}),
		KeyID:      "the key's id in the client's JWKS", TTL: minute, MaxTTL: hour,
		Claims: []Claim{
			clientID(), sameAsIssuer(),
			audience("the issuer of the realm, such as https://keycloak.example.com/realms/main", "https://**/realms/*", "http://**/realms/*"),
			tokenID(0, 0), optionalIssuedAt(),
		},
		Exchange: &Exchange{Scope: true, endpoint: func(audience string) string { return below(audience, "/protocol/openid-connect/token") }},
		Recipe: Recipe{
			Secret: "KEYCLOAK_KEY", KeySetup: newKey + registerJWKS, task: clientInputs + keyIDInput,
			inputs:   clientDefaults + `"audience":"https://keycloak.example.com/realms/main","apiUrl":"https://keycloak.example.com/admin/realms/main/users"`,
			Problems: []string{invalidClient},
		},
	}
}
