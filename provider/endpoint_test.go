package provider_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/provider"
)

// endpoint returns the endpoint of a task with this tokenUrl and the claims of good.
func endpoint(tb testing.TB, profile, tokenURL string) (provider.Endpoint, error) {
	tb.Helper()
	parameters := `{"installationId":1}`
	if tokenURL != "" {
		parameters = `{}`
	}
	return find(tb, profile).Endpoint(tokenURL, object(tb, good()[profile][1]), object(tb, parameters))
}

func TestTheProviderOwnsItsEndpoints(t *testing.T) {
	for profile, urls := range map[string][]string{
		"google-service-account": {"", "https://oauth2.googleapis.com/token"},
		"firebase":               {""},
		"github-app":             {"", "https://api.acme.ghe.com/app/installations/1/access_tokens"},
		"salesforce": {
			"", "https://acme.my.salesforce.com/services/oauth2/token", "https://acme--dev.sandbox.my.salesforce.com/services/oauth2/token",
			"https://login.salesforce.com/services/oauth2/token", "https://test.salesforce.com/services/oauth2/token",
		},
		"docusign":      {"", "https://account.docusign.com/oauth/token"},
		"box":           {"", "https://api.box.com/oauth2/token"},
		"netsuite":      {"", "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"},
		"apple-sign-in": {""},
		"entra":         {"", "https://login.microsoftonline.us/t/oauth2/v2.0/token", "https://login.partner.microsoftonline.cn/t/oauth2/v2.0/token"},
		"okta":          {"", "https://acme.oktapreview.com/oauth2/aus1/v1/token", "https://acme.okta-emea.com/oauth2/v1/token"},
		"auth0":         {"", "https://acme.eu.auth0.com/oauth/token"},
		"tableau":       {"https://10ay.online.tableau.com/api/3.27/auth/signin"},
	} {
		for _, u := range urls {
			if e, err := endpoint(t, profile, u); err != nil || !e.BuiltIn || u != "" && e.URL != u {
				t.Errorf("%s %s: %+v %v, want a built-in endpoint", profile, u, e, err)
			}
		}
	}
}

// An attacker who chooses the tokenUrl gets no assertion: the endpoint is refused, or
// must be on the policy's list.
func TestNoOtherHostIsTakenForTheProviders(t *testing.T) {
	for profile, u := range map[string]string{
		"salesforce": "https://acme.my.salesforce.com/services/oauth2/token",
		"netsuite":   "https://1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token",
		"okta":       "https://acme.okta.com/oauth2/v1/token",
		"auth0":      "https://acme.auth0.com/oauth/token",
		"entra":      "https://login.microsoftonline.com/t/oauth2/v2.0/token",
		"tableau":    "https://a.online.tableau.com/api/3.27/auth/signin",
		"github-app": "https://api.acme.ghe.com/app/installations/1/access_tokens",
		"docusign":   "https://account.docusign.com/oauth/token",
		"box":        "https://api.box.com/oauth2/token",
	} {
		if e, err := endpoint(t, profile, u); err != nil || !e.BuiltIn {
			t.Fatalf("%s %s: %+v %v", profile, u, e, err)
		}
		host, path, _ := strings.Cut(strings.TrimPrefix(u, "https://"), "/")
		for _, bad := range []string{
			"http://" + host + "/" + path,
			"https://evil.example@" + host + "/" + path,
			"https://" + host + "@evil.example/" + path,
			"https://" + host + ":pw@evil.example/" + path,
			"https://" + host + ":8443/" + path,
			"https://" + host + ".evil.example/" + path,
			"https://" + host + "./" + path,
			"https://." + host + "/" + path,
			"https://evil.example/" + host + "/" + path,
			"https://evil.example/." + host + "/" + path,
			"https://evil.example?." + host + "/" + path,
			"https://evil.example#." + host + "/" + path,
			`https://evil.example\.` + host + "/" + path,
			"https://evil.example%2f." + host + "/" + path,
			"https://evil.example%00." + host + "/" + path,
			"https://evil-" + strings.Replace(host, ".", "-", 1) + "/" + path,
			"https://evil" + host[strings.Index(host, ".")+1:] + "/" + path,
			"https://" + strings.Replace(host, "o", "о", 1) + "/" + path, // Cyrillic
			"https://" + host + "/evil/../" + path,
			"https://" + host + "/%2e%2e/" + path,
			"https://" + host + "/services/apexrest/x/" + path,
			"https://" + host + "//" + path,
			"https://" + host + "/" + path + "/",
			"https://" + host + "/" + path + "?x=y",
			"https://" + host + "/" + path + "#x",
			"https://" + host + "/x;" + path,
			"HTTPS://" + host + "/" + path,
			"https://" + strings.ToUpper(host) + "/" + path,
			"https:/" + host + "/" + path,
			"https:" + host + "/" + path,
			" https://" + host + "/" + path,
			"https://" + host + "\t/" + path,
			"https://" + host + "\u200b/" + path,
			"https://127.0.0.1/" + path,
			"https://[::1]/" + path,
			"https://localhost/" + path,
		} {
			if e, err := endpoint(t, profile, bad); err == nil && e.BuiltIn {
				t.Errorf("%s: %q is taken for the provider's", profile, bad)
			}
		}
	}
}

// A host below one that the provider owns may be anybody's.
func TestAStarOfAHostIsOneLabel(t *testing.T) {
	for profile, u := range map[string]string{
		"okta": "https://a.acme.okta.com/oauth2/v1/token", "github-app": "https://api.a.acme.ghe.com/app/installations/1/access_tokens",
		"netsuite": "https://a.1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token", "tableau": "https://a.b.online.tableau.com/api/3.27/auth/signin",
	} {
		if e, err := endpoint(t, profile, u); err != nil || e.BuiltIn {
			t.Errorf("%s: %+v %v, want an endpoint for the policy", profile, e, err)
		}
	}
}

// These have no hosts of their own.
func TestOtherEndpointsAreForThePolicy(t *testing.T) {
	for profile, u := range map[string]string{
		"keycloak": "https://kc.acme.com/realms/r/protocol/openid-connect/token", "smart-backend-services": "https://ehr.acme.com/token",
		"client-assertion": "https://as.acme.com/token", "auth0": "https://login.acme.com/oauth/token", "okta": "https://id.acme.com/oauth2/v1/token",
		"github-app": "https://github.acme.com/api/v3/app/installations/1/access_tokens", "tableau": "https://tableau.acme.com/api/3.27/auth/signin",
		"salesforce": "https://acme.my.site.com/customers/services/oauth2/token",
	} {
		if e, err := endpoint(t, profile, u); err != nil || e.BuiltIn || e.URL != u {
			t.Errorf("%s: %+v %v", profile, e, err)
		}
	}
	for _, profile := range []string{"keycloak", "smart-backend-services"} {
		if e, err := endpoint(t, profile, ""); err != nil || e.BuiltIn {
			t.Errorf("%s: %+v %v, want the endpoint that follows from the audience", profile, e, err)
		}
	}
}

func TestAnEndpointIsRefusedWithAReason(t *testing.T) {
	for _, row := range []struct{ profile, url, found string }{
		{"client-assertion", "", "this is not set, and each tenant of this provider has its own endpoint"},
		{"tableau", "", "this is not set, and each tenant of this provider has its own endpoint"},
		{"box", "https://api.acme.com/oauth2/token", "this is not the endpoint of the provider, which has only one"},
		{"keycloak", "kc.acme.com/token", "this is not an absolute URL"},
		{"keycloak", "https:///token", "this is not an absolute URL"},
		{"keycloak", "https://kc.acme.com/" + strings.Repeat("a", 2048), "this is not an absolute URL"},
		{"keycloak", "http://kc.acme.com/token", "the URL does not begin with https://"},
		{"keycloak", "https://user@kc.acme.com/token", "the URL has user information, a query or a fragment"},
		{"keycloak", "https://kc.acme.com/token?", "the URL has user information, a query or a fragment"},
		{"keycloak", "https://kc.acme.com/token#", "the URL has user information, a query or a fragment"},
		{"keycloak", "https://kc.acme.com/a/../token", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com/a%2fb", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com/%2e%2e/token", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com/a/..;/token", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com/a/..%3bx/token", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com/a/%252e%252e/token", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com/a/%c0%ae%c0%ae/token", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com/a%3fb/token", "the URL is not normalized"},
		{"keycloak", "https://kc.acme.com//token", "the URL is not normalized"},
		{"keycloak", "https://KC.acme.com/token", "the URL is not normalized"},
		{"keycloak", "https://kc.äcme.com/token", "the URL is not normalized"},
	} {
		_, err := endpoint(t, row.profile, row.url)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Found != row.found || f.Field != "tokenUrl" || !errors.Is(err, provider.ErrEndpoint) {
			t.Errorf("%s %.60s: %v, want %s", row.profile, row.url, err, row.found)
		}
	}
}

func TestTheInstallationIsInTheTokenURLOrAParameter(t *testing.T) {
	p := find(t, "github-app")
	_, err := p.Endpoint("", object(t, `{}`), object(t, `{}`))
	wantFault(t, err, provider.ErrParameter, "parameters")
	_, err = p.Endpoint("https://api.acme.ghe.com/app/installations/2/access_tokens", object(t, `{}`), object(t, `{"installationId":1}`))
	wantFault(t, err, provider.ErrEndpoint, "tokenUrl")
	_, err = p.Endpoint("", object(t, `{}`), object(t, `{"installationId":"../user"}`))
	wantFault(t, err, provider.ErrParameter, "parameters")
}

// A token for several audiences has no endpoint by itself.
func TestSeveralAudiencesNameNoEndpoint(t *testing.T) {
	_, err := find(t, "okta").Endpoint("", object(t, `{"aud":["https://a.okta.com","https://b.okta.com"]}`), object(t, `{}`))
	wantFault(t, err, provider.ErrEndpoint, "tokenUrl")
}

// A message may name a host that is part of the profile, and none that a task chooses.
func TestTheHostThatAProfileNames(t *testing.T) {
	for _, row := range []struct{ profile, url, want string }{
		{"google-service-account", "https://oauth2.googleapis.com/token", "oauth2.googleapis.com"},
		{"github-app", "https://api.github.com/app/installations/1/access_tokens", "api.github.com"},
		{"github-app", "https://api.acme.ghe.com/app/installations/1/access_tokens", ""},
		{"salesforce", "https://login.salesforce.com/services/oauth2/token", "login.salesforce.com"},
		{"salesforce", "https://acme.my.salesforce.com/services/oauth2/token", ""},
		{"okta", "https://*.okta.com/oauth2/v1/token", ""},
		{"keycloak", "https://kc.acme.com/realms/r/protocol/openid-connect/token", ""},
		{"client-assertion", "https://as.acme.com/token", ""},
	} {
		if got := find(t, row.profile).KnownHost(row.url); got != row.want {
			t.Errorf("%s %s: %q, want %q", row.profile, row.url, got, row.want)
		}
	}
}

// owned are the domains of each provider that has some.
func owned() map[string][]string {
	return map[string][]string{
		"google-service-account": {"oauth2.googleapis.com"}, "firebase": {"identitytoolkit.googleapis.com"}, "github-app": {"api.github.com", ".ghe.com"},
		"salesforce": {".my.salesforce.com", "login.salesforce.com", "test.salesforce.com"}, "docusign": {"account.docusign.com", "account-d.docusign.com"},
		"box": {"api.box.com"}, "netsuite": {".suitetalk.api.netsuite.com"}, "apple-sign-in": {"appleid.apple.com"},
		"entra": {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"},
		"okta":  {".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com", ".okta.mil"}, "auth0": {".auth0.com"}, "tableau": {".online.tableau.com"},
	}
}

// Whatever a task says, an endpoint that counts as the provider's is at one of its
// domains, and every endpoint is https to a host without a user.
func FuzzEndpoint(f *testing.F) {
	for profile := range owned() {
		for _, u := range []string{
			"https://acme.okta.com/oauth2/v1/token", "https://evil.example/.okta.com/oauth2/v1/token", "https://acme.my.site.com/x/services/oauth2/token",
			"https://user@api.box.com/oauth2/token", "https://login.microsoftonline.com/a%2f..%2fb/oauth2/v2.0/token", "https://a.auth0.com\\@evil.example/oauth/token",
		} {
			f.Add(profile, u, u)
		}
	}
	f.Fuzz(func(t *testing.T, profile, tokenURL, audience string) {
		p, ok := provider.Find(profile)
		if !ok || p.Exchange == nil {
			return
		}
		var claims, parameters jsonobj.Object
		claims.String("aud", audience)
		e, err := p.Endpoint(tokenURL, &claims, &parameters)
		if err != nil {
			return
		}
		u, err := url.Parse(e.URL)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.String() != e.URL {
			t.Errorf("%s: %q, %v", profile, e.URL, err)
			return
		}
		owns := slices.ContainsFunc(owned()[profile], func(domain string) bool {
			return u.Host == domain || strings.HasPrefix(domain, ".") && strings.HasSuffix(u.Host, domain)
		})
		if e.BuiltIn && !owns {
			t.Errorf("%s: %q is taken for the provider's", profile, e.URL)
		}
	})
}
