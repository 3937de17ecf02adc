package provider_test

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
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
)

// rsaKey is shared by the tests, because making one is slow.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pemText() string {
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey())
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func keyOf(tb testing.TB, text string) keys.Key {
	tb.Helper()
	key, err := keys.NewParser(keys.ParserOptions{}).Resolve(context.Background(), keys.Ref{Text: secret.New(text)})
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func accountKey(tb testing.TB) keys.Key {
	tb.Helper()
	raw, err := json.Marshal(map[string]string{
		"type": "service_account", "private_key": pemText(), "private_key_id": "id", "client_email": "a@p.iam",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return keyOf(tb, string(raw))
}

func fill(tb testing.TB, p *provider.Profile, d provider.Parties, key keys.Key) provider.Parties {
	tb.Helper()
	d, err := p.Fill(d, key)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestAServiceAccountFileSetsTheIssuer(t *testing.T) {
	d := fill(t, find(t, "google-service-account"), provider.Parties{}, accountKey(t))
	if d.Issuer != "a@p.iam" || d.Subject != "" || len(d.Audiences) != 1 || d.Audiences[0] != "https://oauth2.googleapis.com/token" {
		t.Errorf("%+v", d)
	}
	if d := fill(t, find(t, "google-self-signed"), provider.Parties{}, accountKey(t)); d.Subject != "a@p.iam" || d.Audiences != nil {
		t.Errorf("%+v", d)
	}
	if d := fill(t, find(t, "google-service-account"), provider.Parties{}, keyOf(t, pemText())); d.Issuer != "" {
		t.Errorf("an issuer out of nothing: %+v", d)
	}
	if d := fill(t, find(t, "google-service-account"), provider.Parties{Issuer: "b"}, accountKey(t)); d.Issuer != "b" {
		t.Errorf("%+v", d)
	}
}

// docs.snowflake.com computes the same value with openssl.
func TestSnowflakesIssuerIsComputed(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	want := "ACME.BOB.SHA256:" + base64.StdEncoding.EncodeToString(sum[:])
	p := find(t, "snowflake")
	for _, given := range []string{"", want} {
		if d := fill(t, p, provider.Parties{Subject: "ACME.BOB", Issuer: given}, keyOf(t, pemText())); d.Issuer != want {
			t.Errorf("%+v", d)
		}
	}
	_, err = p.Fill(provider.Parties{Subject: "ACME.BOB", Issuer: "ACME.BOB.SHA256:x"}, keyOf(t, pemText()))
	wantFault(t, err, provider.ErrConflict, "iss")
}

func wantFault(t *testing.T, err error, reason error, name string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || !errors.Is(err, reason) || f.Field != name {
		t.Errorf("%v, want %s of %s", err, reason, name)
	}
}

func TestAClientIsIssuerAndSubject(t *testing.T) {
	for _, name := range []string{"entra", "okta", "auth0", "keycloak", "smart-backend-services", "client-assertion"} {
		if d := fill(t, find(t, name), provider.Parties{Issuer: "c"}, keyOf(t, pemText())); d.Subject != "c" || d.Audiences != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestCompleteSetsWhatIsAbsent(t *testing.T) {
	for _, row := range []struct{ profile, header, claims, wantHeader, wantClaims string }{
		{"tableau", `{}`, `{"iss":"c"}`, `{"iss":"c"}`, `{"iss":"c"}`},
		{"tableau", `{"iss":"d"}`, `{"iss":"c"}`, `{"iss":"d"}`, `{"iss":"c"}`},
		{"docusign", `{}`, `{}`, `{}`, `{"scope":"signature impersonation"}`},
		{"docusign", `{}`, `{"scope":"signature"}`, `{}`, `{"scope":"signature"}`},
		{"supabase", `{}`, `{"aud":"a"}`, `{}`, `{"aud":"a","role":"authenticated"}`},
		{"client-assertion", `{}`, `{}`, `{"typ":"client-authentication+jwt"}`, `{}`},
		{"client-assertion", `{"typ":"x"}`, `{}`, `{"typ":"x"}`, `{}`},
		{"github-app", `{}`, `{}`, `{}`, `{}`},
		{"snowflake", `{}`, `{}`, `{}`, `{}`},
	} {
		header, claims := object(t, row.header), object(t, row.claims)
		find(t, row.profile).Complete(header, claims)
		if got := string(header.AppendJSON(nil)); got != row.wantHeader {
			t.Errorf("%s: header %s, want %s", row.profile, got, row.wantHeader)
		}
		if got := string(claims.AppendJSON(nil)); got != row.wantClaims {
			t.Errorf("%s: claims %s, want %s", row.profile, got, row.wantClaims)
		}
	}
}

func TestTheAlgorithmIsTheFirstThatFits(t *testing.T) {
	key := keyOf(t, pemText())
	for name, want := range map[string]keys.Algorithm{"okta": keys.RS256, "entra": keys.PS256, "netsuite": keys.PS256, "smart-backend-services": keys.RS384} {
		if got, err := find(t, name).ChooseAlgorithm(key, ""); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
	_, err := find(t, "app-store-connect").ChooseAlgorithm(key, "")
	wantFault(t, err, provider.ErrAlgorithm, "alg")
}

// An algorithm that a hint names fits the profile and the key.
func TestAHintNamesOnlyAlgorithmsThatFit(t *testing.T) {
	texts := []string{pemText(), ecText(t), "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
	for _, p := range provider.Profiles() {
		for i, text := range texts {
			ref := keys.Ref{Text: secret.New(text)}
			if i == 2 {
				ref.Encoding = keys.EncodingRaw
			}
			key, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			for _, asked := range keys.Algorithms() {
				checkChoice(t, p, key, asked)
			}
		}
	}
}

func checkChoice(t *testing.T, p *provider.Profile, key keys.Key, asked keys.Algorithm) {
	t.Helper()
	got, err := p.ChooseAlgorithm(key, asked)
	if p.Permits(asked) && slices.Contains(key.Algorithms(), asked) {
		if err != nil || got != asked {
			t.Errorf("%s: %s, %v; want %s", p.Name, got, err, asked)
		}
		return
	}
	fault, ok := errors.AsType[*fault.Error](err)
	if !ok || !errors.Is(err, provider.ErrAlgorithm) {
		t.Errorf("%s: %s: %v", p.Name, asked, err)
		return
	}
	use, telling := strings.CutPrefix(fault.Hint, "use ")
	if !telling {
		return // the key is of another kind
	}
	for name := range strings.FieldsFuncSeq(strings.ReplaceAll(use, " or ", ","), func(r rune) bool { return r == ',' || r == ' ' }) {
		if alg := keys.Algorithm(name); !p.Permits(alg) || !slices.Contains(key.Algorithms(), alg) {
			t.Errorf("%s: %s: the hint names %s: %v", p.Name, asked, name, fault)
		}
	}
}

func ecText(tb testing.TB) string {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestAKeyThatIsTooShortIsReportedAsWeak(t *testing.T) {
	short, err := keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), keys.Ref{Text: secret.New("0123456789abcdef"), Encoding: keys.EncodingRaw})
	if err == nil {
		_, err = find(t, "livekit").ChooseAlgorithm(short, "")
	}
	if !errors.Is(err, keys.ErrWeak) {
		t.Errorf("a short secret: %v", err)
	}
}

func TestAnOperatorExtends(t *testing.T) {
	acme := find(t, "github-app").Extend("acme", provider.Overrides{Key: "github", Issuer: "Iv1", MaxTTL: 60})
	low := acme.Extend("acme-low", provider.Overrides{MaxTTL: 30})
	okta := find(t, "okta").Extend("okta", provider.Overrides{
		Audiences: []string{"https://acme.okta.com/oauth2/v1/token"}, Algorithms: []keys.Algorithm{keys.ES256},
	})
	forever := find(t, "supabase").Extend("forever", provider.Overrides{NoExpiry: true})
	if low.Overrides.Key != "github" || low.Overrides.MaxTTL != 30 || low.Name != "acme-low" {
		t.Fatalf("%+v", low)
	}
	key := keyOf(t, pemText())
	if d := fill(t, low, provider.Parties{}, key); d.Issuer != "Iv1" {
		t.Errorf("%+v", d)
	}
	fill(t, low, provider.Parties{Issuer: "Iv1"}, key)
	_, err := low.Fill(provider.Parties{Issuer: "Iv2"}, key)
	wantFault(t, err, provider.ErrConflict, "iss")
	_, err = okta.Fill(provider.Parties{Audiences: []string{"https://evil.okta.com/oauth2/v1/token"}}, key)
	wantFault(t, err, provider.ErrConflict, "aud")
	_, err = okta.ChooseAlgorithm(key, "")
	wantFault(t, err, provider.ErrAlgorithm, "alg")
	for _, row := range []struct {
		profile      *provider.Profile
		worker, want int64
	}{{acme, 3600, 60}, {acme, 30, 60}, {find(t, "github-app"), 3600, 600}, {find(t, "github-app"), 300, 300}, {find(t, "supabase"), 300, 300}} {
		if got := row.profile.LimitTTL(row.worker); got != row.want {
			t.Errorf("%s: %d, want %d", row.profile.Name, got, row.want)
		}
	}
	noExp := object(t, `{"role":"r","aud":"authenticated","iat":1}`)
	if faults := forever.Check(object(t, `{"alg":"HS256"}`), noExp, noon); len(faults) > 0 {
		t.Error(faults[0])
	}
	if len(find(t, "supabase").Check(object(t, `{"alg":"HS256"}`), noExp, noon)) == 0 {
		t.Error("the built-in profile takes a token without exp")
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
			if len(faults) == 0 && !p.Permits(keys.Algorithm(alg)) {
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
