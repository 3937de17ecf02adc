package policy_test

import (
	"testing"

	"conductor-jwt/policy"
)

func TestAListedEndpoint(t *testing.T) {
	p := read(t, `
inline: allow
exchange:
  endpoints:
    - "https://keycloak.corp.example/realms/*/protocol/openid-connect/token"
    - "https://*.idp.example/**"
    - "https://127.0.0.1:8443/token"
    - "https://fixed.example:443/token"
`)
	for endpoint, want := range map[string]bool{
		"https://keycloak.corp.example/realms/main/protocol/openid-connect/token":     true,
		"https://keycloak.corp.example:443/realms/main/protocol/openid-connect/token": true,
		"https://a.idp.example/":                                                       true,
		"https://a.b.idp.example/x/y/token":                                            true,
		"https://127.0.0.1:8443/token":                                                 true,
		"https://fixed.example/token":                                                  true,
		"https://keycloak.corp.example/realms/a/b/token":                               false,
		"https://keycloak.corp.example/realms/main/protocol/openid-connect/token/x":    false,
		"https://keycloak.corp.example:8443/realms/main/protocol/openid-connect/token": false,
		"https://evil.example/a.idp.example/token":                                     false,
		"https://idp.example/token":                                                    false,
		"https://.idp.example/token":                                                   false,
		"https://a.idp.example.evil.example/token":                                     false,
		"https://127.0.0.1/token":                                                      false,
		"https://127.0.0.1:8443/token/":                                                false,
		"http://a.idp.example/token":                                                   false,
		"https://user@a.idp.example/token":                                             false,
		"https://evil.example@a.idp.example/token":                                     false,
		"https://a.idp.example/token?to=evil.example":                                  false,
		"https://a.idp.example/token?":                                                 false,
		"https://a.idp.example/token#x":                                                false,
		"https://a.idp.example/x/../token":                                             false,
		"https://a.idp.example/x/%2e%2E/token":                                         false,
		"https://a.idp.example/./token":                                                false,
		"https://a.idp.example//token":                                                 false,
		"https://evil.example#.idp.example/token":                                      false,
		"https://evil.example?.idp.example/token":                                      false,
		"https://evil.example\\.idp.example/token":                                     false,
		"": false,
	} {
		if got := p.ListsEndpoint(endpoint); got != want {
			t.Errorf("%s is listed: %t", endpoint, got)
		}
	}
	var none *policy.Policy
	if none.ListsEndpoint("https://a.idp.example/") || read(t, "inline: allow").ListsEndpoint("https://a.idp.example/") {
		t.Error("a policy without a list lists an endpoint")
	}
}

// A worker whose keys all come with its tasks may still list an endpoint.
func TestAFileMayListEndpointsAlone(t *testing.T) {
	p := read(t, `exchange: {endpoints: ["https://as.example/token"]}`)
	if !p.ListsEndpoint("https://as.example/token") || p.Inline != policy.InlineAllow {
		t.Errorf("%+v", p)
	}
}
