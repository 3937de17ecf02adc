package provider

import "conductor-jwt/keys"

func smartBackendServices() *Profile {
	return &Profile{
		Name: "smart-backend-services", Title: "SMART on FHIR, backend services",
		DocsURL: "https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html", Use: ClientAssertion,
		Algorithms: []keys.Algorithm{keys.RS384, keys.ES384}, Type: "JWT", KeyID: "the key's id in the client's JWKS", TTL: minute, MaxTTL: 5 * minute,
		Claims: []Claim{
			clientID(), sameAsIssuer(),
			audience("the token URL of the server, such as https://ehr.example.com/token", "https://**"),
			tokenID(0, 0), optionalIssuedAt(),
		},
		Exchange: &Exchange{Scope: true, endpoint: func(audience string) string { return audience }},
		Recipe: Recipe{
			Secret: "SMART_KEY", KeySetup: "Run `conductor-jwt key generate key.pem --alg ES384 --public-out key.pub.pem`." + registerJWKS,
			task:     clientInputs + keyIDInput + scopesInput,
			inputs:   clientDefaults + `"audience":"https://ehr.example.com/token","scopes":"system/Patient.rs","apiUrl":"https://ehr.example.com/fhir/Patient?_count=1"`,
			Problems: []string{invalidClient},
		},
	}
}
