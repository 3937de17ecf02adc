package provider

import (
	"strings"

	"conductor-jwt/keys"
)

func entra() *Profile {
	return &Profile{
		Name: "entra", Title: "Microsoft Entra ID, a certificate credential",
		DocsURL: "https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials", Use: ClientAssertion,
		Algorithms: []keys.Algorithm{keys.PS256, keys.RS256}, Type: "JWT", Certificate: true, TTL: 5 * minute, NotBefore: true,
		Claims: []Claim{
			clientID(), sameAsIssuer(),
			audience(
				"the token URL of the tenant, such as https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
				"https://login.microsoftonline.com/*/oauth2/v2.0/token", "https://login.microsoftonline.us/*/oauth2/v2.0/token",
				"https://login.partner.microsoftonline.cn/*/oauth2/v2.0/token", "https://login.microsoftonline.com/*/v2.0",
			),
			tokenID(0, 0),
		},
		Exchange: &Exchange{
			Patterns: []string{
				"https://login.microsoftonline.com/*/oauth2/v2.0/token", "https://login.microsoftonline.us/*/oauth2/v2.0/token",
				"https://login.partner.microsoftonline.cn/*/oauth2/v2.0/token",
			},
			ClientID: "iss", Scope: true, endpoint: entraEndpoint,
		},
		Recipe: Recipe{
			Secret:   "ENTRA_KEY",
			KeySetup: newCertificate + " Upload key.crt to the app registration: *Certificates & secrets*. The secret is key.pem followed by key.crt.",
			task:     clientInputs + scopesInput + `,"certificateHeaders":["x5t#S256"]`,
			inputs: `"clientId":"client-id","audience":"https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token","scopes":"https://graph.microsoft.com/.default",` +
				`"apiUrl":"https://graph.microsoft.com/v1.0/users"`,
			Problems: []string{
				"`AADSTS700027`: the certificate is not the registered one.",
				"`AADSTS700024`: the clocks differ, or the token was sent twice.",
			},
		},
	}
}

// entraEndpoint returns the token endpoint of the tenant, whose issuer may also be
// the audience.
func entraEndpoint(audience string) string {
	tenant, ok := strings.CutSuffix(audience, "/v2.0")
	if !ok {
		return audience
	}
	return tenant + "/oauth2/v2.0/token"
}
