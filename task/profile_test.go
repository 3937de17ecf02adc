package task_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/provider"
	"conductor-jwt/task"
)

var profileRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var profileEC = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func certificateOf(tb testing.TB) string {
	tb.Helper()
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &profileRSA().PublicKey, profileRSA())
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// profiled writes an input of a profile: @rsa, @ec, @account, @hmac and
// @certificate stand for JSON texts.
func profiled(tb testing.TB, name, members string) string {
	tb.Helper()
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "private_key": pemOf(profileRSA()), "private_key_id": "sa-1", "client_email": "a@p.iam.gserviceaccount.com",
	})
	if err != nil {
		tb.Fatal(err)
	}
	text := `{"profile":` + quote(name)
	if members != "" {
		text += "," + members
	}
	return strings.NewReplacer(
		"@rsa", `"privateKey":`+quote(pemOf(profileRSA())), "@ec", `"privateKey":`+quote(pemOf(profileEC())),
		"@account", `"privateKey":`+string(account), "@hmac", `"privateKey":"0123456789abcdef0123456789abcdef","secretEncoding":"raw"`,
		"@certificate", `"certificate":`+quote(certificateOf(tb)),
	).Replace(text + "}")
}

// asked for nothing but what the profile cannot know.
func profileInputs() map[string]string {
	return map[string]string{
		"google-service-account": `@account,"scopes":"https://www.googleapis.com/auth/pubsub"`,
		"google-self-signed":     `@account,"audience":"https://pubsub.googleapis.com/"`,
		"firebase":               `@account,"claims":{"uid":"u","claims":{"admin":true}}`,
		"github-app":             `@rsa,"issuer":"Iv1"`,
		"salesforce":             `@rsa,"issuer":"3MVG","subject":"u@acme.com","audience":"https://acme.my.salesforce.com"`,
		"snowflake":              `@rsa,"subject":"ACME.BOB"`,
		"docusign":               `@rsa,"issuer":"k","subject":"u","audience":"account-d.docusign.com"`,
		"vonage":                 `@rsa,"claims":{"application_id":"a"}`,
		"box":                    `@rsa,"privateKeyId":"k","issuer":"c","subject":1,"claims":{"box_sub_type":"enterprise"}`,
		"netsuite":               `@rsa,"privateKeyId":"k","issuer":"c","scopes":"restlets rest_webservices","audience":"https://1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"`,
		"app-store-connect":      `@ec,"privateKeyId":"k","issuer":"i","scopes":["GET /v1/apps"]`,
		"apple-sign-in":          `@ec,"privateKeyId":"k","issuer":"t","subject":"c"`,
		"entra":                  `@rsa,@certificate,"issuer":"c","audience":"https://login.microsoftonline.com/t/oauth2/v2.0/token"`,
		"okta":                   `@rsa,"privateKeyId":"k","issuer":"c","audience":"https://acme.okta.com/oauth2/v1/token"`,
		"auth0":                  `@rsa,"issuer":"c","audience":"https://acme.auth0.com/"`,
		"keycloak":               `@ec,"privateKeyId":"k","issuer":"c","audience":"https://kc.example/realms/r"`,
		"smart-backend-services": `@rsa,"privateKeyId":"k","issuer":"c","audience":["https://ehr.example/token"]`,
		"client-assertion":       `@ec,"issuer":"c","audience":"https://as.example"`,
		"supabase":               `@hmac`,
		"livekit":                `@hmac,"issuer":"API","claims":{"video":{"roomCreate":true}}`,
		"tableau":                `@hmac,"privateKeyId":"k","issuer":"c","subject":"u","scopes":"tableau:views:embed"`,
	}
}

// signedBy returns a task's token, whatever key signed it.
func signedBy(tb testing.TB, out task.Outcome) token {
	tb.Helper()
	if out.Status != api.Completed {
		tb.Fatalf("the task did not complete: %s", out.Reason)
	}
	tok := token{output: object(tb, out.Output.Reveal())}
	compact, _ := tok.output["token"].(string)
	alg, _ := tok.output["algorithm"].(string)
	var public any = &profileRSA().PublicKey
	switch {
	case strings.HasPrefix(alg, "ES"):
		public = &profileEC().PublicKey
	case strings.HasPrefix(alg, "HS"):
		public = []byte("0123456789abcdef0123456789abcdef")
	}
	tok.header, tok.payload = verified(tb, compact, public)
	tok.claims = object(tb, []byte(tok.payload))
	return tok
}

func TestEachProfileSignsWithWhatOnlyTheAuthorKnows(t *testing.T) {
	inputs := profileInputs()
	for _, name := range provider.Names() {
		t.Run(name, func(t *testing.T) {
			random := func(o *task.Options, _ *api.Task) { o.NewID = task.NewID }
			tok := signedBy(t, handle(t, profiled(t, name, inputs[name]), random))
			p, _ := provider.Find(name)
			if alg, _ := tok.output["algorithm"].(string); !slices.Contains(p.Algorithms, keys.Algorithm(alg)) {
				t.Errorf("algorithm %v", tok.output["algorithm"])
			}
		})
	}
}

func TestWhatAProfileFillsIn(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(&profileRSA().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	for _, row := range []struct{ profile, members, header, payload string }{
		{"github-app", `@rsa,"issuer":"Iv1","subject":"","audience":"","scopes":[],"ttlInSecond":0,"algorithm":"RS256"`, `alg:RS256 typ:JWT`, `{"iss":"Iv1","exp":1795349340,"iat":1795348740,"jti":"fresh-id"}`},
		{"google-service-account", `@account,"scopes":"s"`, `alg:RS256 kid:sa-1 typ:JWT`, `{"iss":"a@p.iam.gserviceaccount.com","aud":"https://oauth2.googleapis.com/token","exp":1795349100,"iat":1795348800,"jti":"fresh-id","scope":"s"}`},
		{"google-self-signed", `@account,"scopes":"s"`, `alg:RS256 kid:sa-1 typ:JWT`, `{"iss":"a@p.iam.gserviceaccount.com","sub":"a@p.iam.gserviceaccount.com","exp":1795352400,"iat":1795348800,"jti":"fresh-id","scope":"s"}`},
		{"salesforce", `@rsa,"issuer":"i","subject":"s","audience":"https://acme.my.salesforce.com"`, `alg:RS256 typ:JWT`, `{"iss":"i","sub":"s","aud":"https://acme.my.salesforce.com","exp":1795348980,"iat":1795348800,"jti":"fresh-id"}`},
		{"snowflake", `@rsa,"subject":"A.B"`, `alg:RS256 typ:JWT`, `{"iss":"A.B.SHA256:` + base64.StdEncoding.EncodeToString(sum[:]) + `","sub":"A.B","exp":1795349100,"iat":1795348800,"jti":"fresh-id"}`},
		{"okta", `@rsa,"privateKeyId":"k","issuer":"c","audience":"https://o/oauth2/v1/token"`, `alg:RS256 kid:k typ:JWT`, `{"iss":"c","sub":"c","aud":"https://o/oauth2/v1/token","exp":1795349100,"iat":1795348800,"jti":"fresh-id"}`},
		{"app-store-connect", `@ec,"privateKeyId":"k","issuer":"i","scopes":["GET /v1/apps"]`, `alg:ES256 kid:k typ:JWT`, `{"iss":"i","aud":"appstoreconnect-v1","exp":1795349100,"iat":1795348800,"jti":"fresh-id","scope":["GET /v1/apps"]}`},
		{"netsuite", `@rsa,"privateKeyId":"k","issuer":"c","scopes":"a b","audience":"https://1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"`, `alg:PS256 kid:k typ:JWT`, `{"iss":"c","aud":"https://1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token","exp":1795349100,"iat":1795348800,"jti":"fresh-id","scope":"a,b"}`},
		{"tableau", `@hmac,"privateKeyId":"k","issuer":"c","subject":"u","scopes":"a b"`, `alg:HS256 iss:c kid:k typ:JWT`, `{"iss":"c","sub":"u","aud":"tableau","exp":1795349100,"iat":1795348800,"jti":"fresh-id","scp":["a","b"]}`},
		{"client-assertion", `@ec,"issuer":"c","audience":"https://as"`, `alg:ES256 typ:client-authentication+jwt`, `{"iss":"c","sub":"c","aud":"https://as","exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`},
		{"livekit", `@hmac,"issuer":"a","claims":{"video":{}}`, `alg:HS256 typ:JWT`, `{"iss":"a","exp":1795349100,"iat":1795348800,"nbf":1795348800,"jti":"fresh-id","video":{}}`},
	} {
		tok := signedBy(t, handle(t, profiled(t, row.profile, row.members)))
		if got := headerText(tok.header); got != row.header || tok.payload != row.payload {
			t.Errorf("%s:\n%s %s, want\n%s %s", row.profile, got, tok.payload, row.header, row.payload)
		}
	}
	tok := signedBy(t, handle(t, profiled(t, "entra", profileInputs()["entra"])))
	if tok.header["alg"] != "PS256" || tok.header["x5t#S256"] == nil || tok.header["x5t"] != nil || tok.claims["nbf"] != tok.claims["iat"] {
		t.Errorf("%v %v", tok.header, tok.payload)
	}
}

func headerText(header map[string]any) string {
	var list []string
	for _, name := range []string{"alg", "iss", "kid", "typ"} {
		if text, ok := header[name].(string); ok {
			list = append(list, name+":"+text)
		}
	}
	return strings.Join(list, " ")
}

func TestAProfileRefusesWhatItsProviderWould(t *testing.T) {
	for _, row := range []struct{ profile, members, code, field string }{
		{"github-app", `@rsa`, "input_missing", "issuer"},
		{"github-app", `@rsa,"issuer":"i","audience":"a"`, "input_conflict", "audience"},
		{"github-app", `@rsa,"issuer":"i","subject":"a"`, "input_conflict", "subject"},
		{"github-app", `@rsa,"issuer":"i","scopes":"a"`, "input_conflict", "scopes"},
		{"github-app", `@rsa,"issuer":"i","ttlInSecond":601`, "ttl_out_of_range", "ttlInSecond"},
		{"github-app", `@rsa,"issuer":"i","omitClaims":["iat"]`, "input_missing", "omitClaims"},
		{"github-app", `@rsa,"issuer":"i","algorithm":"RS512"`, "algorithm_mismatch", "algorithm"},
		{"github-app", `@ec,"issuer":"i"`, "algorithm_mismatch", "algorithm"},
		{"github-app", `"issuer":"i"`, "input_missing", "privateKey"},
		{"google-service-account", `@rsa,"scopes":"s"`, "input_missing", "privateKeyId"},
		{"google-service-account", `@rsa,"privateKeyId":"k","scopes":"s"`, "input_missing", "issuer"},
		{"google-service-account", `@account`, "input_missing", "scopes"},
		{"google-service-account", `@account,"scopes":"s","audience":"https://x"`, "input_invalid", "audience"},
		{"google-self-signed", `@account,"scopes":"s","audience":"https://pubsub.googleapis.com/"`, "input_conflict", "scopes"},
		{"google-self-signed", `@account,"scopes":"s","ttlInSecond":300`, "ttl_out_of_range", "ttlInSecond"},
		{"snowflake", `@rsa`, "input_missing", "subject"},
		{"salesforce", `@rsa,"issuer":"i","subject":"s"`, "input_missing", "audience"},
		{"snowflake", `@rsa,"subject":"acme.bob"`, "input_invalid", "subject"},
		{"snowflake", `@rsa,"subject":"A.B","issuer":"A.B.SHA256:x"`, "input_conflict", "issuer"},
		{"entra", `@rsa,"issuer":"c","audience":"https://login.microsoftonline.com/t/oauth2/v2.0/token"`, "input_missing", "certificate"},
		{"app-store-connect", `@ec,"privateKeyId":"k","issuer":"i","headers":{"typ":"at+jwt"}`, "input_invalid", "headers"},
		{"app-store-connect", `@ec,"privateKeyId":"k","issuer":"i","algorithm":"RS256"`, "algorithm_mismatch", "algorithm"},
		{"box", `@rsa,"privateKeyId":"k","issuer":"c","subject":"1"`, "input_missing", "claims"},
		{"box", `@rsa,"privateKeyId":"k","issuer":"c","subject":"1","claims":{"box_sub_type":"enterprise"},"jwtId":"short"`, "input_invalid", "jwtId"},
		{"auth0", `@rsa,"issuer":"c","audience":"https://acme.auth0.com/","omitClaims":["jti"]`, "input_missing", "omitClaims"},
		{"auth0", `@rsa,"issuer":"c","audience":"https://acme.auth0.com"`, "input_invalid", "audience"},
		{"tableau", `@hmac,"privateKeyId":"k","issuer":"c","subject":"u","scopes":"a","headers":{"iss":"d"}`, "input_invalid", "headers"},
		{"docusing", `@rsa`, "profile_unknown", "profile"},
	} {
		message := failed(t, handle(t, profiled(t, row.profile, row.members)), row.code, row.field)
		if row.profile == "docusing" && !strings.Contains(message, "did you mean docusign?") {
			t.Errorf("%q", message)
		}
	}
}

// The hint has the profile's own words and values, and speaks of inputs.
func TestTheHintOfAProfileCanBeFollowed(t *testing.T) {
	for _, row := range []struct{ profile, members, code, field, hint string }{
		{"github-app", `@rsa,"issuer":"1","algorithm":"HS256"`, "algorithm_mismatch", "algorithm", "use RS256"},
		{"github-app", `@rsa,"issuer":"1","algorithm":"ES256"`, "algorithm_mismatch", "algorithm", "use RS256"},
		{"okta", `@rsa,"privateKeyId":"k","issuer":"c","audience":"https://o","algorithm":"ES256"`, "algorithm_mismatch", "algorithm", "use RS256, RS384 or RS512"},
		{"snowflake", `@rsa,"subject":"USER"`, "input_invalid", "subject", "such as MYORG-MYACCOUNT.BOB"},
		{"auth0", `@rsa,"issuer":"c","audience":"https://x.auth0.com"`, "input_invalid", "audience", "add a slash at the end"},
		{"github-app", `@rsa,"issuer":"i","omitClaims":["iat"]`, "input_missing", "omitClaims", "take iat out of omitClaims"},
		{"auth0", `@rsa,"issuer":"c","audience":"https://x.auth0.com/","omitClaims":["jti"]`, "input_missing", "omitClaims", "take jti out of omitClaims"},
	} {
		message := failed(t, handle(t, profiled(t, row.profile, row.members)), row.code, row.field)
		if !strings.HasSuffix(message, row.hint) || strings.Contains(message, "*") {
			t.Errorf("%s: %s: %q; want the hint %q", row.profile, row.members, message, row.hint)
		}
	}
}

func TestAProfileTakesATokenWithoutIATWhereItsProviderDoes(t *testing.T) {
	tok := signedBy(t, handle(t, profiled(t, "smart-backend-services", `@rsa,"privateKeyId":"k","issuer":"c","audience":"https://ehr.example/token","omitClaims":["iat"]`)))
	if _, dated := tok.claims["iat"]; dated {
		t.Errorf("%v", tok.claims)
	}
}

func TestABuiltInProfileRaisesNoTTL(t *testing.T) {
	short := func(o *task.Options, _ *api.Task) { o.MaxTTL = time.Minute }
	tok := signedBy(t, handle(t, profiled(t, "github-app", `@rsa,"issuer":"i"`), short))
	if tok.claims["exp"] != json.Number("1795348800") {
		t.Errorf("claims = %s", tok.payload)
	}
	failed(t, handle(t, profiled(t, "apple-sign-in", `@ec,"privateKeyId":"k","issuer":"t","subject":"c","ttlInSecond":61`), short), "ttl_out_of_range", "ttlInSecond")
	failed(t, handle(t, profiled(t, "google-self-signed", `@account,"scopes":"s"`), short), "ttl_out_of_range", "ttlInSecond")
}

const profilePolicy = `
keys: {billing: {source: "env:A"}, other: {source: "env:B"}}
profiles:
  ours: {extends: client-assertion, key: billing, issuer: "https://us", audience: ["https://as.example"], limits: {max_ttl: 2h, algorithms: [EdDSA]}}
  ours-briefly: {extends: ours, limits: {max_ttl: 30s}}
  forever: {extends: supabase, key: other, limits: {no_exp: true, algorithms: [RS256]}}
  box: off
  apple: {extends: apple-sign-in, limits: {max_ttl: 4000h}}
grants:
  - {use: [ours, ours-briefly], workflows: ["billing_*"], max_ttl: 3h}
  - {use: [forever]}
`

func underProfiles(tb testing.TB, text string) setup {
	tb.Helper()
	p, err := policy.Read("policy.yaml", []byte(text), time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	return func(o *task.Options, d *api.Task) {
		o.Policy, o.Keys, o.MaxTTL = p, ring{keys.NewParser(keys.ParserOptions{})}, time.Hour
		d.Type, d.WorkflowType = task.TaskType, "billing_run"
	}
}

func TestAnOperatorsProfileNamesTheKey(t *testing.T) {
	setup := underProfiles(t, profilePolicy)
	tok := completed(t, handle(t, `{"profile":"ours"}`, setup))
	want := `{"iss":"https://us","sub":"https://us","aud":"https://as.example","exp":1795348860,"iat":1795348800,"jti":"fresh-id"}`
	if tok.payload != want || tok.header["kid"] != "its-kid" || tok.header["alg"] != "EdDSA" || tok.header["typ"] != "client-authentication+jwt" {
		t.Errorf("%v %s", tok.header, tok.payload)
	}
	completed(t, handle(t, `{"profile":"ours","issuer":"https://us","audience":["https://as.example"],"ttlInSecond":3600}`, setup))
	if tok := completed(t, handle(t, `{"profile":"ours-briefly"}`, setup)); tok.claims["exp"] != json.Number("1795348830") {
		t.Errorf("%s", tok.payload)
	}
	for _, row := range []struct{ input, code, field string }{
		{`{"profile":"ours","issuer":"https://them"}`, "input_conflict", "issuer"},
		{`{"profile":"ours","audience":"https://them"}`, "input_conflict", "audience"},
		{`{"profile":"ours","keyRef":"other"}`, "input_conflict", "profile"},
		{`{"profile":"ours","privateKey":@key}`, "input_conflict", "profile"},
		{`{"profile":"ours","ttlInSecond":3601}`, "ttl_out_of_range", "ttlInSecond"},
		{`{"profile":"ours-briefly","ttlInSecond":31}`, "ttl_out_of_range", "ttlInSecond"},
		{`{"profile":"box","privateKey":@key}`, "profile_unknown", "profile"},
		{`{"profile":"client-assertion","keyRef":"billing","issuer":"c","audience":"https://a"}`, "policy_denied", "keyRef"},
	} {
		failed(t, handle(t, row.input, setup), row.code, row.field)
	}
	elsewhere := func(_ *task.Options, d *api.Task) { d.WorkflowType = "hr_run" }
	failed(t, handle(t, `{"profile":"ours"}`, setup, elsewhere), "policy_denied", "profile")
	none := underProfiles(t, strings.Split(profilePolicy, "grants:")[0])
	if message := failed(t, handle(t, `{"profile":"ours"}`, none), "policy_denied", "profile"); !strings.Contains(message, "this profile") {
		t.Errorf("%q", message)
	}
}

// The worker's most is an hour: only an operator's profile lets a key of the
// task sign for longer.
func TestAnOperatorsProfileRaisesTheTTL(t *testing.T) {
	members := `@ec,"privateKeyId":"k","issuer":"t","subject":"c","ttlInSecond":14400000`
	signedBy(t, handle(t, profiled(t, "apple", members), underProfiles(t, profilePolicy)))
	failed(t, handle(t, profiled(t, "apple-sign-in", members), underProfiles(t, profilePolicy)), "ttl_out_of_range", "ttlInSecond")
}

func TestATokenWithoutExp(t *testing.T) {
	setup := underProfiles(t, profilePolicy)
	setups := func(o *task.Options, d *api.Task) {
		setup(o, d)
		o.Keys = withRSA{keys.NewParser(keys.ParserOptions{})}
	}
	tok := signedBy(t, handle(t, `{"profile":"forever"}`, setups))
	if tok.claims["exp"] != nil || tok.output["expiresAt"] != nil || tok.output["expiresIn"] != nil {
		t.Errorf("%v %s", tok.output, tok.payload)
	}
	failed(t, handle(t, `{"profile":"forever","ttlInSecond":5}`, setups), "input_conflict", "ttlInSecond")
	capped := underProfiles(t, strings.Replace(profilePolicy, "{use: [forever]}", "{use: [forever], max_ttl: 24h}", 1))
	failed(t, handle(t, `{"profile":"forever"}`, capped, func(o *task.Options, _ *api.Task) {
		o.Keys = withRSA{keys.NewParser(keys.ParserOptions{})}
	}), "policy_denied", "ttlInSecond")
}

// withRSA has the RSA key under every name.
type withRSA struct{ parser *keys.Parser }

func (r withRSA) Resolve(ctx context.Context, _ keys.Ref) (keys.Key, error) {
	return r.parser.Resolve(ctx, keys.Ref{Text: secret.New(pemOf(profileRSA()))})
}

// An unknown name can never succeed, unless another replica has read
// a newer policy file.
func TestAnUnknownProfile(t *testing.T) {
	own := underProfiles(t, profilePolicy)
	none := func(*task.Options, *api.Task) {}
	for _, row := range []struct {
		name, says string
		policy     setup
		status     api.Status
	}{
		{"github", "did you mean github-app?", none, api.FailedWithTerminalError},
		{"GitHub_App", "did you mean github-app?", none, api.FailedWithTerminalError},
		{"github-ap", "did you mean github-app?", none, api.FailedWithTerminalError},
		{"okta-oauth2", "did you mean okta?", none, api.FailedWithTerminalError},
		{"google", "did you mean google-self-signed?", none, api.FailedWithTerminalError},
		{"xyzzy", "write one of google-service-account, ", none, api.FailedWithTerminalError},
		{"no-such-profile", "livekit, tableau", none, api.FailedWithTerminalError},
		{"github", "did you mean github-app?", under(t, policyText), api.FailedWithTerminalError},
		{"github", "did you mean github-app?", own, api.Failed},
		{"our", "did you mean ours?", own, api.Failed},
		{"box", "write one of ", own, api.Failed},
	} {
		out := handle(t, `{"privateKey":@key,"profile":`+quote(row.name)+`}`, row.policy)
		message := failed(t, out, "profile_unknown", "profile")
		if out.Status != row.status || !strings.Contains(message, row.says) || strings.Contains(message, "box") && row.name == "box" {
			t.Errorf("%s: the task ended %s with %q", row.name, out.Status, message)
		}
		if len(out.Reason) > 500 || strings.Contains(message, row.name+" ") {
			t.Errorf("%s: %q", row.name, out.Reason)
		}
	}
}

// A closed set is no secret: what was asked for stands beside what is allowed.
func TestRecognisedValuesAreNamed(t *testing.T) {
	for _, row := range []struct{ input, code, field, says string }{
		{`{"privateKey":` + quote(pemOf(ecKey())) + `,"algorithm":"RS256"}`, "algorithm_mismatch", "algorithm", "RS256 does not fit an EC key on P-256; set algorithm to ES256"},
		{`{"privateKey":@key,"ttlInSecond":90000}`, "ttl_out_of_range", "ttlInSecond", "a ttl of 90000 seconds is outside of what is allowed; ask for 1 to 86400 seconds"},
		{`{"privateKey":@key,"ttlInSeconds":"-5"}`, "ttl_out_of_range", "ttlInSeconds", "a ttl of -5 seconds"},
	} {
		if message := failed(t, handle(t, row.input), row.code, row.field); !strings.Contains(message, row.says) {
			t.Errorf("%s: %q", row.input, message)
		}
	}
}
