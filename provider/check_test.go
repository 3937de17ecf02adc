package provider_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// noon is the iat of the tokens of good.
var noon = time.Unix(100, 0)

// good is a valid header and claims for each profile.
func good() map[string][2]string {
	return map[string][2]string{
		"google-service-account": {`{"alg":"RS256","kid":"k"}`, `{"iss":"a@p.iam","aud":"https://oauth2.googleapis.com/token","iat":100,"exp":3700,"scope":"s"}`},
		"google-self-signed":     {`{"alg":"RS256","kid":"k"}`, `{"iss":"a@p.iam","sub":"a@p.iam","aud":"https://pubsub.googleapis.com/","iat":100,"exp":3700}`},
		"firebase":               {`{"alg":"RS256"}`, `{"iss":"a@p.iam","sub":"a@p.iam","aud":"https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit","uid":"u","claims":{"a":1},"iat":100,"exp":3700}`},
		"github-app":             {`{"alg":"RS256"}`, `{"iss":"Iv1","iat":100,"exp":700}`},
		"salesforce":             {`{"alg":"RS256"}`, `{"iss":"3MVG","sub":"u@acme.com","aud":"https://acme.my.salesforce.com","exp":280}`},
		"snowflake":              {`{"alg":"RS256"}`, `{"iss":"ACME.BOB.SHA256:abc=","sub":"ACME.BOB","iat":100,"exp":3700}`},
		"docusign":               {`{"alg":"RS256"}`, `{"iss":"k","sub":"u","aud":"account-d.docusign.com","scope":"signature impersonation","iat":100,"exp":3700}`},
		"vonage":                 {`{"alg":"RS256"}`, `{"application_id":"a","jti":"j","iat":100,"exp":86500,"acl":{"paths":{}}}`},
		"box":                    {`{"alg":"RS512","kid":"k"}`, `{"iss":"c","sub":"1","box_sub_type":"enterprise","aud":"https://api.box.com/oauth2/token","jti":"0123456789abcdef","iat":100,"exp":160}`},
		"netsuite":               {`{"alg":"PS256","kid":"k","typ":"JWT"}`, `{"iss":"c","scope":"restlets,rest_webservices","aud":"https://1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token","iat":100,"exp":3699}`},
		"app-store-connect":      {`{"alg":"ES256","kid":"k","typ":"JWT"}`, `{"iss":"i","aud":"appstoreconnect-v1","scope":["GET /v1/apps"],"iat":100,"exp":1300}`},
		"apple-sign-in":          {`{"alg":"ES256","kid":"k"}`, `{"iss":"t","sub":"c","aud":"https://appleid.apple.com","iat":100,"exp":15777100}`},
		"entra":                  {`{"alg":"PS256","typ":"JWT","x5t#S256":"h"}`, `{"iss":"c","sub":"c","aud":"https://login.microsoftonline.com/t/oauth2/v2.0/token","jti":"j","nbf":100,"iat":100,"exp":700}`},
		"okta":                   {`{"alg":"ES256","kid":"k"}`, `{"iss":"c","sub":"c","aud":"https://acme.okta.com/oauth2/v1/token","iat":100,"exp":3700}`},
		"auth0":                  {`{"alg":"RS256"}`, `{"iss":"c","sub":"c","aud":"https://acme.auth0.com/","jti":"j","iat":100,"exp":400}`},
		"keycloak":               {`{"alg":"EdDSA","kid":"k"}`, `{"iss":"c","sub":"c","aud":"https://kc.example/realms/r","jti":"j","iat":100,"exp":160}`},
		"smart-backend-services": {`{"alg":"ES384","kid":"k","typ":"JWT"}`, `{"iss":"c","sub":"c","aud":"https://ehr.example/token","jti":"j","iat":100,"exp":400}`},
		"client-assertion":       {`{"alg":"PS256","typ":"client-authentication+jwt"}`, `{"iss":"c","sub":"c","aud":"https://as.example","jti":"j","iat":100,"exp":160}`},
		"supabase":               {`{"alg":"HS256"}`, `{"role":"authenticated","aud":"authenticated","sub":"u","iat":100,"exp":100000}`},
		"livekit":                {`{"alg":"HS256"}`, `{"iss":"API","sub":"u","video":{"roomJoin":true},"nbf":100,"exp":700}`},
		"tableau":                {`{"alg":"HS256","kid":"k","iss":"c"}`, `{"iss":"c","sub":"u","aud":"tableau","jti":"j","scp":["tableau:views:embed"],"iat":100,"exp":700}`},
	}
}

// object parses JSON; an edit is name=value, or name alone to delete it.
func object(tb testing.TB, text string, edits ...string) *jsonobj.Object {
	tb.Helper()
	o, err := jsonobj.Parse([]byte(text), jsonobj.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, edit := range edits {
		if name, value, set := strings.Cut(edit, "="); set {
			o.Set(name, []byte(value))
		} else {
			o.Delete(name)
		}
	}
	return &o
}

func TestAGoodTokenOfEachProviderBreaksNoRule(t *testing.T) {
	tokens := good()
	if len(tokens) != len(provider.Names()) {
		t.Errorf("%d tokens for %d profiles", len(tokens), len(provider.Names()))
	}
	for _, name := range provider.Names() {
		for _, f := range find(t, name).Check(object(t, tokens[name][0]), object(t, tokens[name][1]), noon) {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// Each row breaks one rule of one provider. With ! it edits the header.
func TestEachRuleRefusesAlone(t *testing.T) {
	for name, rows := range map[string][]string{
		"google-service-account": {"kid!", "iss", "aud", `aud="https://accounts.google.com/o/oauth2/token"`, `aud=["https://oauth2.googleapis.com/token","https://x"]`, "scope", `target_audience="x"`, "exp=3701", "exp", "iat", `alg="ES256"!`},
		"google-self-signed":     {"kid!", "iss", "sub", `sub="b@p.iam"`, `aud="https://pubsub.googleapis.com"`, "aud", `scope="s"`, "exp=3699", "exp=3701", `alg="PS256"!`},
		"firebase":               {"iss", "sub", `sub="x"`, "aud", "uid", `uid=""`, `uid="` + strings.Repeat("u", 129) + `"`, "uid=5", `claims="x"`, "exp=3701", `alg="ES256"!`},
		"github-app":             {"iss", `sub="x"`, `aud="x"`, `scope="x"`, "exp=701", "iat", "exp", `alg="RS512"!`},
		"salesforce":             {"iss", "sub", "aud", `aud="https://login.salesforce.com/"`, `aud="https://acme.my.salesforce.com/x"`, "exp", "exp=281", `iat="1"`, `alg="ES256"!`},
		"snowflake":              {"iss", `iss="ACME.BOB"`, "sub", `sub="acme.BOB"`, `sub="BOB"`, "exp=3701", "iat", `alg="PS256"!`},
		"docusign":               {"iss", "sub", "aud", `aud="https://account-d.docusign.com"`, "scope", "exp=3701", `alg="ES256"!`},
		"vonage":                 {"application_id", "jti", `iss="x"`, `acl=[]`, "exp=86501", "iat", `alg="ES256"!`},
		"box":                    {"kid!", "iss", "sub", "sub=1", "box_sub_type", `box_sub_type="app"`, "aud", `aud="https://box.com"`, "jti", `jti="short"`, `jti="` + strings.Repeat("j", 129) + `"`, "exp=161", `alg="PS256"!`},
		"netsuite":               {"kid!", "typ!", `typ="at+jwt"!`, "iss", "scope", `scope=["restlets"]`, "aud", `aud="https://x"`, "exp=3700", `alg="RS256"!`},
		"app-store-connect":      {"kid!", "typ!", "iss", `sub="user"`, "aud", `aud="x"`, `scope="GET /v1/apps"`, "exp=1301", "iat", `alg="ES384"!`},
		"apple-sign-in":          {"kid!", "iss", "sub", "aud", `aud="https://appleid.apple.com/"`, "exp=15777101", `alg="RS256"!`},
		"entra":                  {"x5t#S256!", "typ!", "iss", "sub", `sub="d"`, "aud", `aud="https://evil.example/"`, "jti", "nbf", "iat", "exp", `alg="ES256"!`},
		"okta":                   {"kid!", "iss", "sub", `sub="d"`, "aud", `aud="https://acme.okta.com/"`, `aud="http://acme.okta.com"`, `aud="https://acme.okta.com/oauth2/v1/keys/x"`, `aud=["https://acme.okta.com/oauth2/v1/token"]`, "exp=3701", `alg="HS256"!`},
		"auth0":                  {"iss", "sub", `sub="d"`, "aud", `aud="https://acme.auth0.com"`, "jti", `jti="` + strings.Repeat("j", 65) + `"`, "exp=401", `alg="RS512"!`},
		"keycloak":               {"kid!", "iss", "sub", `sub="d"`, "aud", `aud=["https://kc.example/realms/r"]`, `aud="https://kc.example/"`, "jti", "exp=3701", `alg="HS256"!`},
		"smart-backend-services": {"kid!", "typ!", "iss", "sub", `sub="d"`, "aud", "jti", "exp=401", `alg="RS256"!`},
		"client-assertion":       {"typ!", `typ="JWT"!`, "iss", "sub", `sub="d"`, "aud", `aud=["https://as.example"]`, "jti", "exp=3701", "exp", `alg="HS256"!`},
		"supabase":               {"role", "role=1", "aud", `aud="x"`, "exp", `alg="RS512"!`},
		"livekit":                {"iss", "video", `video="x"`, "nbf", "exp", `alg="RS256"!`},
		"tableau":                {"kid!", "iss!", `iss="d"!`, "sub", "aud", `aud="x"`, "jti", "scp", `scp="x"`, "exp=701", `alg="RS256"!`},
	} {
		p, token := find(t, name), good()[name]
		for _, row := range rows {
			edit, inHeader := strings.CutSuffix(row, "!")
			member, _, _ := strings.Cut(edit, "=")
			header, claims := object(t, token[0]), object(t, token[1])
			if inHeader {
				header = object(t, token[0], edit)
			} else {
				claims = object(t, token[1], edit)
			}
			faults := p.Check(header, claims, noon)
			if len(faults) == 0 {
				t.Errorf("%s: %s breaks no rule", name, row)
				continue
			}
			checkFault(t, name+": "+row, faults, member, edit)
		}
	}
}

// checkFault wants an error that names the member and does not quote its value.
// Of claims that depend on each other, either may be named.
func checkFault(t *testing.T, row string, faults []*fault.Error, member, edit string) {
	t.Helper()
	_, value, _ := strings.Cut(edit, "=")
	found := false
	for _, f := range faults {
		found = found || f.Field == member || strings.Contains(f.Found, member)
		if f.Found == "" || f.Hint == "" || f.Reason == nil {
			t.Errorf("%s: a fault without a word: %+v", row, f)
		}
		if strings.Contains(f.Hint, "*") {
			t.Errorf("%s: the hint is a pattern, which is no value: %v", row, f)
		}
		if len(value) > 8 && strings.Contains(f.Error(), strings.Trim(value, `"`)) {
			t.Errorf("%s: the value is quoted: %v", row, f)
		}
	}
	if !found {
		t.Errorf("%s: no fault names %s: %v", row, member, faults)
	}
}

// iat is optional in RFC 7519 §4.1.6, and for most providers.
func TestIATIsRequiredOnlyWhereTheProviderRequiresIt(t *testing.T) {
	needed := map[string]bool{
		"google-service-account": true, "google-self-signed": true, "firebase": true, "github-app": true, "snowflake": true, "docusign": true,
		"vonage": true, "netsuite": true, "app-store-connect": true, "apple-sign-in": true, "entra": true,
	}
	for name, token := range good() {
		faults := find(t, name).Check(object(t, token[0]), object(t, token[1], "iat"), noon)
		if refused := len(faults) > 0; refused != needed[name] {
			t.Errorf("%s without iat: %v", name, faults)
		}
	}
}

// Most providers count the lifetime from when they receive the token. iat may
// lie in the past, for clocks that are behind.
func TestALifetimeBeginsWhereTheProviderCountsFrom(t *testing.T) {
	for _, row := range []struct {
		says, profile, claims string
		now                   int64
		fine                  bool
	}{
		{"ten minutes from now with iat a minute back", "github-app", `"iat":940,"exp":1600`, 1000, true},
		{"ten minutes from now with iat now", "github-app", `"iat":1000,"exp":1600`, 1000, true},
		{"eleven minutes from now with iat a minute back", "github-app", `"iat":940,"exp":1660`, 1000, false},
		{"the same token, long expired", "github-app", `"iat":940,"exp":1600`, 5000, true},
		{"an expired token that had twelve minutes", "github-app", `"iat":940,"exp":1661`, 5000, false},
		{"five minutes from now without iat", "smart-backend-services", `"exp":1300`, 1000, true},
		{"six minutes from now without iat", "smart-backend-services", `"exp":1360`, 1000, false},
		{"an expired token without iat", "smart-backend-services", `"exp":1360`, 5000, true},
		{"an hour from an iat that lies back", "google-service-account", `"iat":940,"exp":4540`, 1000, true},
		{"an hour from now with iat a minute back, where iat counts", "google-service-account", `"iat":940,"exp":4600`, 1000, false},
		{"an hour, where the provider names no limit", "entra", `"iat":1000,"nbf":1000,"exp":4600`, 1000, true},
	} {
		token := good()[row.profile]
		claims := object(t, token[1], "iat", "exp")
		times := object(t, "{"+row.claims+"}")
		for _, name := range []string{"iat", "exp"} {
			if value, ok := times.Get(name); ok {
				claims.Set(name, value)
			}
		}
		faults := find(t, row.profile).Check(object(t, token[0]), claims, time.Unix(row.now, 0))
		if (len(faults) == 0) != row.fine || len(faults) > 0 && !errors.Is(faults[0], provider.ErrLifetime) {
			t.Errorf("%s: %s: %v", row.profile, row.says, faults)
		}
	}
}

func TestATimeThatIsNotANumberIsReported(t *testing.T) {
	for _, edit := range []string{`iat="100"`, `exp="700"`} {
		faults := find(t, "github-app").Check(object(t, `{"alg":"RS256"}`), object(t, good()["github-app"][1], edit), noon)
		if len(faults) != 1 || faults[0].Found != "this is of JSON type string, and the profile requires number" {
			t.Errorf("%s: %v", edit, faults)
		}
	}
}

// A pattern cannot be copied into a task: the hint corrects the value, or says
// what it is.
func TestAHintSaysWhatToWrite(t *testing.T) {
	for _, row := range []struct{ profile, edit, hint string }{
		{"auth0", `aud="https://x.auth0.com"`, "add a slash at the end"},
		{"salesforce", `aud="https://login.salesforce.com/"`, "remove the slash at the end"},
		{"okta", `aud="https://acme.okta.com/"`, "remove the slash at the end"},
		{"okta", `aud="acme.okta.com"`, "write https:// before it"},
		{"docusign", `aud="https://account-d.docusign.com"`, "remove https:// from it"},
		{"docusign", `aud="docusign"`, "set it to account.docusign.com or account-d.docusign.com"},
		{"client-assertion", `aud="http://as.example"`, "write https:// in place of http://"},
		{"box", `aud="https://api.box.com/oauth2/token "`, "remove the white space around it"},
		{"box", `box_sub_type="app"`, "set it to enterprise or user"},
		{"box", `jti="short"`, "write 16 to 128 characters"},
		{"snowflake", `sub="USER"`, "set it to ACCOUNT.USER in upper case, the account without its region, such as MYORG-MYACCOUNT.BOB"},
		{"snowflake", `sub="acme.bob"`, "write it in upper case"},
		{"snowflake", `iss="ACME.BOB"`, "leave it out: the profile computes it"},
		{"auth0", `aud="x"`, "set it to the URL of the tenant with a slash at its end, such as https://example.auth0.com/"},
		{"entra", `sub="d"`, "set it to the same value, or leave it out"},
	} {
		token := good()[row.profile]
		faults := find(t, row.profile).Check(object(t, token[0]), object(t, token[1], row.edit), noon)
		if len(faults) != 1 || faults[0].Hint != row.hint {
			t.Errorf("%s: %s: %v; want the hint %q", row.profile, row.edit, faults, row.hint)
		}
	}
}

func TestTheExampleOfAMeaningIsValid(t *testing.T) {
	example := regexp.MustCompile(`such as (\S+?),?( or (\S+))?$`)
	seen := 0
	for _, p := range provider.Profiles() {
		for _, c := range p.Claims {
			m := example.FindStringSubmatch(c.Meaning)
			if len(c.Patterns) == 0 || m == nil {
				continue
			}
			for _, value := range []string{m[1], m[3]} {
				if value == "" {
					continue
				}
				seen++
				token := good()[p.Name]
				for _, f := range p.Check(object(t, token[0]), object(t, token[1], c.Name+`="`+value+`"`), noon) {
					if f.Field == c.Name {
						t.Errorf("%s: its own example is refused: %v", p.Name, f)
					}
				}
			}
		}
	}
	if seen < 9 {
		t.Errorf("found %d examples", seen)
	}
}

func TestAudiencesOfAnAuthorizationServer(t *testing.T) {
	for name, audiences := range map[string][]string{
		"okta": {
			"https://acme.okta.com", "https://acme.okta.com/oauth2/v1/token", "https://acme.okta.com/oauth2/default",
			"https://acme.okta.com/oauth2/default/v1/token", "https://login.acme.com/oauth2/aus1",
		},
		"salesforce": {
			"https://acme.my.salesforce.com", "https://acme--dev.sandbox.my.salesforce.com", "https://acme.my.site.com/portal/login",
			"https://login.salesforce.com", "https://test.salesforce.com",
		},
		"keycloak": {"https://kc.example/auth/realms/r"},
	} {
		for _, audience := range audiences {
			token := good()[name]
			if faults := find(t, name).Check(object(t, token[0]), object(t, token[1], `aud="`+audience+`"`), noon); len(faults) > 0 {
				t.Errorf("%s: %s: %v", name, audience, faults)
			}
		}
	}
}

// The header of a request is checked with what signing adds to it.
func TestARequestIsCheckedAsItWillBeSigned(t *testing.T) {
	request := func(alg keys.Algorithm, kid string, chain ...string) *signer.Request {
		return &signer.Request{
			Algorithm: alg, KeyID: kid, ChainHeaders: chain, Header: *object(t, `{"typ":"JWT"}`),
			Claims: *object(t, `{"iss":"c","sub":"c","aud":"https://login.microsoftonline.com/t/oauth2/v2.0/token","jti":"j","nbf":100,"iat":100,"exp":700}`),
		}
	}
	entra, okta := find(t, "entra"), find(t, "okta")
	for _, row := range []struct {
		says    string
		profile *provider.Profile
		request *signer.Request
		want    []string
	}{
		{"all there", entra, request(keys.PS256, "", "x5t#S256"), nil},
		{"the other thumbprint", entra, request(keys.PS256, "", "x5t"), nil},
		{"no thumbprint", entra, request(keys.PS256, "", "x5c"), []string{"x5t#S256"}},
		{"another algorithm", entra, request(keys.ES256, "", "x5t"), []string{"alg"}},
		{"a key id", okta, request(keys.RS256, "k"), []string{"aud"}},
		{"no key id", okta, request(keys.RS256, ""), []string{"kid", "aud"}},
	} {
		var got []string
		for _, f := range row.profile.CheckRequest(row.request, noon) {
			got = append(got, f.Field)
		}
		if len(got) != len(row.want) || len(got) > 0 && got[0] != row.want[0] {
			t.Errorf("%s: faults of %v, want %v", row.says, got, row.want)
		}
		if row.request.Header.Len() != 1 {
			t.Errorf("%s: the request's header was changed", row.says)
		}
	}
}

// Values on the bounds of each rule are allowed.
func TestTheBoundsAreAllowed(t *testing.T) {
	for name, rows := range map[string][]string{
		"google-service-account": {"exp=3700", `target_audience="x"|scope`},
		"github-app":             {"exp=700", `iss="1"`},
		"box":                    {`jti="0123456789abcdef"`, "exp=160"},
		"netsuite":               {"exp=3699"},
		"firebase":               {`uid="u"`},
		"snowflake":              {"exp=3700"},
		"auth0":                  {"exp=400"},
	} {
		for _, row := range rows {
			claims := object(t, good()[name][1], strings.Split(row, "|")...)
			for _, f := range find(t, name).Check(object(t, good()[name][0]), claims, noon) {
				t.Errorf("%s: %s: %v", name, row, f)
			}
		}
	}
	// An audience is at least one.
	for _, name := range []string{"google-service-account", "google-self-signed", "okta", "tableau"} {
		if len(find(t, name).Check(object(t, good()[name][0]), object(t, good()[name][1], "aud=[]"), noon)) == 0 {
			t.Errorf("%s takes an empty list of audiences", name)
		}
	}
}

// No header and claims break the check, and each error has all its parts.
func FuzzCheck(f *testing.F) {
	for _, token := range good() {
		f.Add(token[0], token[1])
	}
	f.Add(`{"alg":1,"iss":[]}`, `{"aud":{},"exp":"x","iat":1e999,"scope":null}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		h, err := jsonobj.Parse([]byte(header), jsonobj.Limits{})
		if err != nil {
			return
		}
		c, err := jsonobj.Parse([]byte(claims), jsonobj.Limits{})
		if err != nil {
			return
		}
		before := string(h.AppendJSON(nil)) + string(c.AppendJSON(nil))
		for _, p := range provider.Profiles() {
			faults := p.Check(&h, &c, noon)
			for _, fault := range faults {
				if fault.Reason == nil || fault.Field == "" || fault.Found == "" || fault.Hint == "" {
					t.Errorf("%s: a fault that says too little: %+v", p.Name, fault)
				}
			}
			alg, _ := h.Text("alg")
			if len(faults) == 0 && !slices.Contains(p.Algorithms, keys.Algorithm(alg)) {
				t.Errorf("%s takes a token of an algorithm that it does not permit", p.Name)
			}
			for _, rule := range p.Claims {
				if len(faults) == 0 && (rule.Required && !slices.Contains(p.OneOf, rule.Name) && !c.Has(rule.Name) || rule.Forbidden && c.Has(rule.Name)) {
					t.Errorf("%s takes a token without a rule on %s", p.Name, rule.Name)
				}
			}
		}
		if after := string(h.AppendJSON(nil)) + string(c.AppendJSON(nil)); after != before {
			t.Errorf("a check changed %s into %s", before, after)
		}
	})
}
