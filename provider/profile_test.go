package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/test/keyconformance"
)

func find(tb testing.TB, name string) *provider.Profile {
	tb.Helper()
	p, ok := provider.Find(name)
	if !ok {
		tb.Fatalf("there is no profile %s", name)
	}
	return p
}

func TestFindReportsAnUnknownProfile(t *testing.T) {
	for _, name := range []string{"", "Okta", "nobody"} {
		if p, ok := provider.Find(name); ok || p != nil {
			t.Errorf("%q: %+v", name, p)
		}
	}
}

func TestTheProfilesAreConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range provider.Profiles() {
		if seen[p.Name] || p.Title == "" || p.Use == "" || len(p.Algorithms) == 0 || !strings.HasPrefix(p.DocsURL, "https://") {
			t.Errorf("%+v", p)
		}
		seen[p.Name] = true
		for _, alg := range p.Algorithms {
			if _, err := keys.ParseAlgorithm(string(alg)); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
		if p.TTL > 0 && (p.TTL < p.MinTTL || p.MaxTTL > 0 && p.TTL > p.MaxTTL) {
			t.Errorf("%s: a ttl outside of its own limits", p.Name)
		}
		for _, c := range p.Claims {
			if c.Meaning == "" && !c.Forbidden {
				t.Errorf("%s: nothing says what %s is", p.Name, c.Name)
			}
			for _, pattern := range c.Patterns {
				if strings.Count(strings.ReplaceAll(pattern, "**", "*"), "*") > 2 {
					t.Errorf("%s: comparing with %s takes too long", p.Name, pattern)
				}
			}
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
	if slices.Contains(p.Algorithms, asked) && slices.Contains(key.Algorithms(), asked) {
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
		if alg := keys.Algorithm(name); !slices.Contains(p.Algorithms, alg) || !slices.Contains(key.Algorithms(), alg) {
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

func TestAProfileOfRSAKeysRefusesOthers(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keyconformance.InStore(k, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = find(t, "snowflake").ChooseAlgorithm(key, "")
	wantFault(t, err, provider.ErrAlgorithm, "alg")
}
