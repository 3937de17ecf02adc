package profile_test

import (
	"strings"
	"testing"

	"conductor-jwt/keys"
	"conductor-jwt/profile"
	"conductor-jwt/signer"
)

// good is a header and claims for each profile that its provider takes.
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

// object reads JSON; edit is name=value, or name alone to take it out.
func object(tb testing.TB, text string, edits ...string) *signer.Object {
	tb.Helper()
	o, err := signer.ParseObject([]byte(text), signer.Limits{})
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

func find(tb testing.TB, name string) *profile.Profile {
	tb.Helper()
	p, ok := profile.Find(name)
	if !ok {
		tb.Fatalf("there is no profile %s", name)
	}
	return p
}

func TestAGoodTokenOfEachProviderBreaksNoRule(t *testing.T) {
	tokens := good()
	if len(tokens) != len(profile.Names()) {
		t.Errorf("%d tokens for %d profiles", len(tokens), len(profile.Names()))
	}
	for _, name := range profile.Names() {
		for _, f := range find(t, name).Check(object(t, tokens[name][0]), object(t, tokens[name][1])) {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// Each row is one rule of one provider, broken alone. A name before a ! is a
// header member's.
func TestEachRuleRefusesAlone(t *testing.T) {
	for name, rows := range map[string][]string{
		"google-service-account": {"kid!", "iss", "aud", `aud="https://accounts.google.com/o/oauth2/token"`, `aud=["https://oauth2.googleapis.com/token","https://x"]`, "scope", `target_audience="x"`, "exp=3701", "exp", "iat", `alg="ES256"!`},
		"google-self-signed":     {"kid!", "iss", "sub", `sub="b@p.iam"`, `aud="https://pubsub.googleapis.com"`, "aud", `scope="s"`, "exp=3699", "exp=3701", `alg="PS256"!`},
		"firebase":               {"iss", "sub", `sub="x"`, "aud", "uid", `uid=""`, `uid="` + strings.Repeat("u", 129) + `"`, "uid=5", `claims="x"`, "exp=3701", `alg="ES256"!`},
		"github-app":             {"iss", `sub="x"`, `aud="x"`, `scope="x"`, "exp=701", "iat", "exp", `alg="RS512"!`},
		"salesforce":             {"iss", "sub", "aud", `aud="https://login.salesforce.com/"`, "exp", `iat="1"`, `alg="ES256"!`},
		"snowflake":              {"iss", `iss="ACME.BOB"`, "sub", `sub="acme.BOB"`, `sub="BOB"`, "exp=3701", "iat", `alg="PS256"!`},
		"docusign":               {"iss", "sub", "aud", `aud="https://account-d.docusign.com"`, "scope", "exp=3701", `alg="ES256"!`},
		"vonage":                 {"application_id", "jti", `iss="x"`, `acl=[]`, "exp=86501", "iat", `alg="ES256"!`},
		"box":                    {"kid!", "iss", "sub", "sub=1", "box_sub_type", `box_sub_type="app"`, "aud", `aud="https://box.com"`, "jti", `jti="short"`, `jti="` + strings.Repeat("j", 129) + `"`, "exp=161", `alg="PS256"!`},
		"netsuite":               {"kid!", "typ!", `typ="at+jwt"!`, "iss", "scope", `scope=["restlets"]`, "aud", `aud="https://x"`, "exp=3700", `alg="RS256"!`},
		"app-store-connect":      {"kid!", "typ!", "iss", `sub="user"`, "aud", `aud="x"`, `scope="GET /v1/apps"`, "exp=1301", "iat", `alg="ES384"!`},
		"apple-sign-in":          {"kid!", "iss", "sub", "aud", `aud="https://appleid.apple.com/"`, "exp=15777101", `alg="RS256"!`},
		"entra":                  {"x5t#S256!", "typ!", "iss", "sub", `sub="d"`, "aud", `aud="https://evil.example/"`, "jti", "nbf", "exp=701", `alg="ES256"!`},
		"okta":                   {"kid!", "iss", "sub", `sub="d"`, "aud", `aud="https://acme.okta.com"`, `aud=["https://acme.okta.com/oauth2/v1/token"]`, "exp=3701", `alg="HS256"!`},
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
			faults := p.Check(header, claims)
			if len(faults) == 0 {
				t.Errorf("%s: %s breaks no rule", name, row)
				continue
			}
			checkFault(t, name+": "+row, faults, member, edit)
		}
	}
}

// checkFault wants a fault that names the member and does not quote it. Of
// claims that need one another, either may be named.
func checkFault(t *testing.T, row string, faults []*profile.Fault, member, edit string) {
	t.Helper()
	_, value, _ := strings.Cut(edit, "=")
	found := false
	for _, f := range faults {
		found = found || f.Name == member || strings.Contains(f.Found, member)
		if f.Found == "" || f.Hint == "" || f.Kind == "" {
			t.Errorf("%s: a fault without a word: %+v", row, f)
		}
		if len(value) > 8 && strings.Contains(f.Error(), strings.Trim(value, `"`)) {
			t.Errorf("%s: the value is quoted: %v", row, f)
		}
	}
	if !found {
		t.Errorf("%s: no fault names %s: %v", row, member, faults)
	}
}

func TestTheTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range profile.Profiles() {
		if seen[p.Name] || p.Provider == "" || p.Exchange == "" || len(p.Algorithms) == 0 || !strings.HasPrefix(p.Page, "https://") {
			t.Errorf("%+v", p)
		}
		seen[p.Name] = true
		for _, alg := range p.Algorithms {
			if _, err := keys.ParseAlgorithm(string(alg)); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
		if p.TTL > 0 && (p.TTL < p.LeastTTL || p.MostTTL > 0 && p.TTL > p.MostTTL) {
			t.Errorf("%s: a ttl outside of its own limits", p.Name)
		}
		for _, c := range p.Claims {
			if c.Means == "" && !c.Unfit {
				t.Errorf("%s: nothing says what %s is", p.Name, c.Name)
			}
			for _, pattern := range c.Like {
				if strings.Count(pattern, "*") > 2 {
					t.Errorf("%s: comparing with %s takes too long", p.Name, pattern)
				}
			}
		}
	}
}
