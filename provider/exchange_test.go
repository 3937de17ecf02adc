package provider_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/provider"
)

// signed is the assertion of these tests.
const signed = "e30.e30.c2ln"

const assertionGrant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"

const clientGrant = "client_assertion=e30.e30.c2ln&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

// Each row is the whole request: where it goes and what is in it.
func TestTheRequestIsThatOfTheProvider(t *testing.T) {
	for _, row := range []struct {
		profile, claims, parameters string // claims: edits of those of good
		url, body                   string
	}{
		{
			profile: "google-service-account",
			url:     "https://oauth2.googleapis.com/token", body: "assertion=e30.e30.c2ln&" + assertionGrant,
		},
		{
			profile: "firebase", parameters: `{"apiKey":"AIza-key"}`,
			url:  "https://identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken",
			body: `{"token":"e30.e30.c2ln","returnSecureToken":true}`,
		},
		{
			profile: "firebase", parameters: `{"apiKey":"AIza-key","tenantId":"acme-1"}`,
			url:  "https://identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken",
			body: `{"token":"e30.e30.c2ln","returnSecureToken":true,"tenantId":"acme-1"}`,
		},
		{
			profile: "github-app", parameters: `{"installationId":42}`,
			url: "https://api.github.com/app/installations/42/access_tokens", body: `{}`,
		},
		{
			profile: "github-app", parameters: `{"installationId":"42","repositories":["a","b.c"],"repositoryIds":[1,"2"],"permissions":{"contents":"read"}}`,
			url:  "https://api.github.com/app/installations/42/access_tokens",
			body: `{"repositories":["a","b.c"],"repository_ids":[1,2],"permissions":{"contents":"read"}}`,
		},
		{
			profile: "github-app", parameters: `{"installationId":42,"repositories":"a"}`,
			url: "https://api.github.com/app/installations/42/access_tokens", body: `{"repositories":["a"]}`,
		},
		{
			profile: "salesforce",
			url:     "https://acme.my.salesforce.com/services/oauth2/token", body: "assertion=e30.e30.c2ln&" + assertionGrant,
		},
		{
			profile: "docusign",
			url:     "https://account-d.docusign.com/oauth/token", body: "assertion=e30.e30.c2ln&" + assertionGrant,
		},
		{
			profile: "box", parameters: `{"clientSecret":"s&t"}`,
			url: "https://api.box.com/oauth2/token", body: "assertion=e30.e30.c2ln&client_id=c&client_secret=s%26t&" + assertionGrant,
		},
		{
			profile: "netsuite",
			url:     "https://1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token", body: clientGrant + "&grant_type=client_credentials",
		},
		{
			profile: "apple-sign-in", parameters: `{"code":"c1","redirectUri":"https://example.com/done"}`,
			url: "https://appleid.apple.com/auth/token", body: "client_id=c&client_secret=e30.e30.c2ln&code=c1&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fexample.com%2Fdone",
		},
		{
			profile: "apple-sign-in", parameters: `{"refreshToken":"r1"}`,
			url: "https://appleid.apple.com/auth/token", body: "client_id=c&client_secret=e30.e30.c2ln&grant_type=refresh_token&refresh_token=r1",
		},
		{
			profile: "entra", claims: `scope="https://graph.microsoft.com/.default"`,
			url: "https://login.microsoftonline.com/t/oauth2/v2.0/token", body: clientGrant + "&client_id=c&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
		},
		{
			profile: "entra", claims: `aud="https://login.microsoftonline.com/t/v2.0"`,
			url: "https://login.microsoftonline.com/t/oauth2/v2.0/token", body: clientGrant + "&client_id=c&grant_type=client_credentials",
		},
		{
			profile: "okta", claims: `scope="a b"`,
			url: "https://acme.okta.com/oauth2/v1/token", body: clientGrant + "&grant_type=client_credentials&scope=a+b",
		},
		{
			profile: "okta", claims: `aud="https://acme.okta.com"`,
			url: "https://acme.okta.com/oauth2/v1/token", body: clientGrant + "&grant_type=client_credentials",
		},
		{
			profile: "okta", claims: `aud="https://acme.okta.com/oauth2/default"`,
			url: "https://acme.okta.com/oauth2/default/v1/token", body: clientGrant + "&grant_type=client_credentials",
		},
		{
			profile: "auth0", parameters: `{"audience":"https://acme.auth0.com/api/v2/","organization":"org_1"}`,
			url: "https://acme.auth0.com/oauth/token", body: "audience=https%3A%2F%2Facme.auth0.com%2Fapi%2Fv2%2F&" + clientGrant + "&client_id=c&grant_type=client_credentials&organization=org_1",
		},
		{
			profile: "keycloak", claims: `scope="a"`,
			url: "https://kc.example/realms/r/protocol/openid-connect/token", body: clientGrant + "&grant_type=client_credentials&scope=a",
		},
		{
			profile: "smart-backend-services", claims: `scope="system/Patient.rs"`,
			url: "https://ehr.example/token", body: clientGrant + "&grant_type=client_credentials&scope=system%2FPatient.rs",
		},
	} {
		t.Run(row.profile+row.claims+row.parameters, func(t *testing.T) {
			p := find(t, row.profile)
			in := input(t, row.profile, row.claims, row.parameters)
			if err := p.CheckParameters(in.Parameters); err != nil {
				t.Fatal(err)
			}
			r := p.ExchangeRequest(in)
			if r.Method != "POST" || r.URL != row.url || r.Body.Reveal() != row.body {
				t.Errorf("%s %s\n%s; want\n%s\n%s", r.Method, r.URL, r.Body.Reveal(), row.url, row.body)
			}
			kind := "application/x-www-form-urlencoded"
			if strings.HasPrefix(row.body, "{") {
				kind = "application/json"
			}
			if r.Header["Content-Type"] != kind || !strings.HasSuffix(r.Header["Accept"], "json") {
				t.Errorf("%v", r.Header)
			}
		})
	}
}

// input returns the exchange of the claims of good, with an edit, at the endpoint that
// follows from them; empty for none.
func input(tb testing.TB, profile, edit, parameters string) provider.ExchangeInput {
	tb.Helper()
	var edits []string
	if edit != "" {
		edits = []string{edit}
	}
	if parameters == "" {
		parameters = `{}`
	}
	in := provider.ExchangeInput{
		Assertion: secret.New(signed), Claims: object(tb, good()[profile][1], edits...), Parameters: *object(tb, parameters),
	}
	endpoint, _ := find(tb, profile).Endpoint("", in.Claims, &in.Parameters)
	in.URL = endpoint.URL
	return in
}

func TestTheAssertionOfAnAppIsInItsHeader(t *testing.T) {
	r := find(t, "github-app").ExchangeRequest(input(t, "github-app", "", `{"installationId":1}`))
	if r.Header["Authorization"] != "Bearer "+signed || r.Header["X-GitHub-Api-Version"] == "" {
		t.Error(r.Header)
	}
	r = find(t, "firebase").ExchangeRequest(input(t, "firebase", "", `{"apiKey":"AIza"}`))
	if r.Header["X-Goog-Api-Key"] != "AIza" {
		t.Error(r.Header)
	}
}

func TestTableauSignsInToASite(t *testing.T) {
	in := input(t, "tableau", "", `{"site":"acme"}`)
	in.URL = "https://prod-uk-a.online.tableau.com/api/3.27/auth/signin"
	r := find(t, "tableau").ExchangeRequest(in)
	if r.URL != in.URL || r.Body.Reveal() != `{"credentials":{"jwt":"`+signed+`","site":{"contentUrl":"acme"}}}` {
		t.Errorf("%s %s", r.URL, r.Body.Reveal())
	}
	in.Parameters = jsonobj.Object{}
	if r = find(t, "tableau").ExchangeRequest(in); !strings.Contains(r.Body.Reveal(), `"contentUrl":""`) {
		t.Errorf("%s, want the default site", r.Body.Reveal())
	}
}

func TestAClientAssertionMayNameResources(t *testing.T) {
	for parameters, want := range map[string]string{
		`{"resource":"https://api.acme.com/"}`:                     "resource=https%3A%2F%2Fapi.acme.com%2F",
		`{"resource":["https://a.acme.com","https://b.acme.com"]}`: "resource=https%3A%2F%2Fa.acme.com&resource=https%3A%2F%2Fb.acme.com",
	} {
		in := input(t, "client-assertion", "", parameters)
		in.URL = "https://as.acme.com:8443/token"
		r := find(t, "client-assertion").ExchangeRequest(in)
		if r.URL != in.URL || !strings.HasSuffix(r.Body.Reveal(), "&"+want) {
			t.Errorf("%s %s", r.URL, r.Body.Reveal())
		}
	}
}

// The grant of an operator decides about the scope of the claims; parameters
// override nothing that the worker sets.
func TestNoParameterOverridesWhatTheWorkerSets(t *testing.T) {
	for _, p := range provider.Profiles() {
		if p.Exchange == nil {
			continue
		}
		for _, name := range []string{
			"grant_type", "grantType", "assertion", "client_assertion", "client_assertion_type", "client_id", "clientId", "client_secret", "scope", "scopes", "token",
			"returnSecureToken", "jwt", "credentials", "Authorization", "repository_ids", "refresh_token", "resource_id",
		} {
			var parameters jsonobj.Object
			parameters.String(name, "x")
			err := p.CheckParameters(parameters)
			wantFault(t, err, provider.ErrParameter, "parameters")
		}
		for _, parameter := range p.Exchange.Parameters {
			switch parameter.Field {
			case "grant_type", "assertion", "client_assertion", "client_assertion_type", "client_id", "scope", "token", "returnSecureToken", "credentials":
				t.Errorf("%s: %s sets %s", p.Name, parameter.Name, parameter.Field)
			}
		}
	}
}

func TestParametersAreChecked(t *testing.T) {
	for _, row := range []struct{ profile, parameters, message string }{
		{"github-app", `{"instalationId":1}`, "the provider has no parameter instalationId; did you mean installationId?"},
		{"github-app", `{"x":1}`, "the provider has no parameter x; the parameters are installationId, repositories, repositoryIds, permissions"},
		{"keycloak", `{"x":1}`, "the provider has no parameter x; leave it out"},
		{"github-app", `{"installationId":"a"}`, "installationId is not what the provider expects: a string; write it as a whole number: the id of the app's installation, unless tokenUrl has it"},
		{"github-app", `{"installationId":1.5}`, "installationId is not what the provider expects: a number; write it as a whole number: the id of the app's installation, unless tokenUrl has it"},
		{"github-app", `{"permissions":{"contents":1}}`, `permissions is not what the provider expects: an object; write it as an object of strings: the permissions of the token, such as {"contents": "read"}`},
		{"github-app", `{"installationId":1,"repositories":""}`, "repositories is blank; set it to the names of the repositories that the token may access, without their owner; or leave it out: the token is then valid for more"},
		{"github-app", `{"installationId":1,"permissions":null}`, `permissions is blank; set it to the permissions of the token, such as {"contents": "read"}; or leave it out: the token is then valid for more`},
		{"client-assertion", `{"resource":""}`, "resource is blank; set it to the resources that the access token is for (RFC 8707); or leave it out: the token is then valid for more"},
		{"box", `{}`, "clientSecret is not set, and the profile requires it; set it to the clientSecret of the app's config.json"},
		{"box", `{"clientSecret":""}`, "clientSecret is not set, and the profile requires it; set it to the clientSecret of the app's config.json"},
		{"apple-sign-in", `{}`, "neither code nor refreshToken is set, and the profile requires one; set one of them"},
		{"apple-sign-in", `{"code":"c","refreshToken":"r"}`, "code and refreshToken are set, and the profile allows one of them; leave one of them out"},
	} {
		err := find(t, row.profile).CheckParameters(*object(t, row.parameters))
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Message(nil) != row.message || !errors.Is(err, provider.ErrParameter) {
			t.Errorf("%s %s: %v, want %s", row.profile, row.parameters, err, row.message)
		}
	}
}

// A value that could leave its place in a path, a header or a line is refused, and
// not quoted.
func TestAParameterStaysInItsPlace(t *testing.T) {
	for _, row := range []struct{ profile, name, value string }{
		{"github-app", "installationId", `"1/../../user"`},
		{"github-app", "installationId", `-1`},
		{"github-app", "installationId", `"01"`},
		{"github-app", "installationId", `[1,2]`},
		{"github-app", "installationId", `1e3`},
		{"github-app", "installationId", `true`},
		{"github-app", "installationId", `99999999999999999999`},
		{"github-app", "repositories", `["a/b"]`},
		{"github-app", "repositories", `[]`},
		{"github-app", "repositories", `[["a"]]`},
		{"github-app", "repositories", `["\u0000"]`},
		{"github-app", "repositoryIds", `["a"]`},
		{"github-app", "permissions", `["contents"]`},
		{"github-app", "permissions", `{"contents":{"a":"b"}}`},
		{"firebase", "apiKey", `"a\r\nX-Evil: 1"`},
		{"firebase", "apiKey", `"a b"`},
		{"firebase", "apiKey", `5`},
		{"firebase", "apiKey", `["a"]`},
		{"box", "clientSecret", `"a\nb"`},
		{"box", "clientSecret", `"` + strings.Repeat("a", 8193) + `"`},
		{"tableau", "site", `".."`},
		{"apple-sign-in", "redirectUri", `"/relative"`},
		{"apple-sign-in", "redirectUri", `"https://a/#fragment"`},
		{"client-assertion", "resource", `["https://a","b"]`},
	} {
		var parameters jsonobj.Object
		parameters.Set(row.name, []byte(row.value))
		err := find(t, row.profile).CheckParameters(parameters)
		wantFault(t, err, provider.ErrParameter, "parameters")
		if f, _ := errors.AsType[*fault.Error](err); f != nil && !strings.HasPrefix(f.Found, row.name+" is not what") {
			t.Errorf("%s %s: %v", row.name, row.value, err)
		}
	}
}

func TestBearerProvidersHaveNoExchange(t *testing.T) {
	for _, p := range provider.Profiles() {
		if (p.Exchange == nil) != (p.Use == provider.Bearer) {
			t.Errorf("%s is used as %s", p.Name, p.Use)
		}
	}
	p := find(t, "vonage")
	_, endpoint := p.Endpoint("", object(t, `{}`), object(t, `{}`))
	_, answer := p.ReadToken(200, []byte(`{"access_token":"a"}`), noon)
	for _, err := range []error{endpoint, answer, p.CheckParameters(jsonobj.Object{})} {
		if err == nil {
			t.Error("a provider without an exchange has one")
		}
	}
}

func TestAnExtendedProfileKeepsItsProvider(t *testing.T) {
	p := find(t, "box").Extend("acme", provider.Overrides{Issuer: "c"}).Extend("acme-2", provider.Overrides{})
	if p.Name != "acme-2" || p.Provider() != "box" || p.Exchange == nil || find(t, "box").Provider() != "box" {
		t.Errorf("%s extends %s", p.Name, p.Provider())
	}
}

// What holds secrets prints without them.
func TestNothingOfAnExchangePrints(t *testing.T) {
	in := input(t, "box", "", `{"clientSecret":"hunter2"}`)
	r := find(t, "box").ExchangeRequest(in)
	token, err := find(t, "apple-sign-in").ReadToken(200, []byte(`{"access_token":"hunter2","refresh_token":"hunter2"}`), noon)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal([]any{in, r, token})
	if text := fmt.Sprintf("%v %+v %#v %s %v", in, r, token, raw, err); strings.Contains(text, "hunter2") || strings.Contains(text, "c2ln") {
		t.Error(text)
	}
}

func TestFormsAreEncoded(t *testing.T) {
	r := find(t, "auth0").ExchangeRequest(input(t, "auth0", "", `{"audience":"a&client_id=x"}`))
	form, err := url.ParseQuery(r.Body.Reveal())
	if err != nil || form.Get("audience") != "a&client_id=x" || len(form["client_id"]) != 1 {
		t.Error(form, err)
	}
}
