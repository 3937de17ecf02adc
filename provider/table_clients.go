package provider

import "conductor-jwt/keys"

const clientMeans = "the client ID"

// clients are the providers that take an assertion of the client's (RFC 7523
// §2.2): issuer and subject are the client.
func clients() []*Profile {
	client := needed("iss", clientMeans)
	return append([]*Profile{
		{
			Name: "entra", Provider: "Microsoft Entra ID, a certificate credential",
			Page: "https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials", Exchange: ClientAssertion,
			Algorithms: []keys.Algorithm{keys.PS256, keys.RS256}, Type: "JWT", Certificate: true, TTL: 5 * minute, NotBefore: true,
			Claims: []Claim{
				client, sameAsIssuer(),
				audience(
					"the token URL of the tenant, such as https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
					"https://login.microsoftonline.com/*/oauth2/v2.0/token", "https://login.microsoftonline.us/*/oauth2/v2.0/token",
					"https://login.partner.microsoftonline.cn/*/oauth2/v2.0/token", "https://login.microsoftonline.com/*/v2.0",
				),
				tokenID(0, 0),
			},
		},
		{
			Name: "okta", Provider: "Okta, private_key_jwt",
			Page: "https://developer.okta.com/docs/guides/build-self-signed-jwt/js/main/", Exchange: ClientAssertion,
			Algorithms: append(rsa(), ec()...), KeyID: "the key's id at Okta, which its JWK carries", MaxTTL: hour,
			Claims: []Claim{client, sameAsIssuer(), issuedAt(), audience(
				"the token URL or the issuer of the authorization server, such as https://example.okta.com/oauth2/v1/token or https://example.okta.com",
				"https://*", "https://*/oauth2/*", "https://*/oauth2/v1/token", "https://*/oauth2/*/v1/token",
			)},
		},
		{
			Name: "auth0", Provider: "Auth0, private_key_jwt",
			Page:     "https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt",
			Exchange: ClientAssertion, Algorithms: []keys.Algorithm{keys.RS256, keys.RS384, keys.PS256}, TTL: minute, MaxTTL: 5 * minute,
			Claims: []Claim{client, sameAsIssuer(), audience("the URL of the tenant with a slash at its end, such as https://example.auth0.com/", "https://*/"), tokenID(0, 64), issuedAt()},
		},
		{
			Name: "keycloak", Provider: "Keycloak, signed JWT",
			Page: "https://www.keycloak.org/docs/latest/server_admin/#_client-credentials", Exchange: ClientAssertion,
			Algorithms: append(append(append(rsa(), pss()...), ec()...), keys.EdDSA), KeyID: "the key's id in the client's JWKS", TTL: minute, MaxTTL: hour,
			Claims: []Claim{client, sameAsIssuer(), audience("the issuer of the realm, such as https://keycloak.example.com/realms/main", "https://**/realms/*", "http://**/realms/*"), tokenID(0, 0), issuedAt()},
		},
	}, standards()...)
}

// standards are rules that many providers share.
func standards() []*Profile {
	client := needed("iss", clientMeans)
	return []*Profile{
		{
			Name: "smart-backend-services", Provider: "SMART on FHIR, backend services",
			Page: "https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html", Exchange: ClientAssertion,
			Algorithms: []keys.Algorithm{keys.RS384, keys.ES384}, Type: "JWT", KeyID: "the key's id in the client's JWKS", TTL: minute, MaxTTL: 5 * minute,
			Claims: []Claim{client, sameAsIssuer(), audience("the token URL of the server, such as https://ehr.example.com/token", "https://**"), tokenID(0, 0), issuedAt()},
		},
		{
			Name: "client-assertion", Provider: "RFC 10070 and FAPI 2.0, private_key_jwt",
			Page: "https://www.rfc-editor.org/info/rfc10070", Exchange: ClientAssertion,
			Algorithms: asymmetric(), Type: "client-authentication+jwt", TTL: minute, MaxTTL: hour,
			Claims: []Claim{client, sameAsIssuer(), audience("the issuer of the authorization server, not its token URL, such as https://as.example.com", "https://**"), tokenID(0, 0), issuedAt()},
		},
	}
}
