package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

func jwk(tb testing.TB, members map[string]string) keys.Key {
	tb.Helper()
	raw, err := json.Marshal(members)
	if err != nil {
		tb.Fatal(err)
	}
	return keyOf(tb, string(raw))
}

// The fingerprint needs a public key that the standard library can marshal.
func TestTheComputedIssuerNeedsAKeyWithAFingerprint(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	snowflake := find(t, "snowflake")
	k, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	point := k.PubKey().SerializeUncompressed()
	_, err = snowflake.Fill(provider.Parties{Subject: "ACME.BOB"}, jwk(t, map[string]string{
		"kty": "EC", "crv": "secp256k1", "d": b64(k.Serialize()), "x": b64(point[1:33]), "y": b64(point[33:]),
	}))
	wantFault(t, err, provider.ErrAlgorithm, "alg")
	secret := jwk(t, map[string]string{"kty": "oct", "k": b64(make([]byte, 32))})
	if d := fill(t, snowflake, provider.Parties{Subject: "ACME.BOB"}, secret); d.Issuer != "" {
		t.Errorf("an issuer out of a secret: %+v", d)
	}
	if d := fill(t, snowflake, provider.Parties{}, keyOf(t, pemText())); d.Issuer != "" || d.Subject != "" {
		t.Errorf("an issuer without a subject: %+v", d)
	}
	if d := fill(t, snowflake, provider.Parties{Subject: "ACME.BOB", Issuer: "x"}, nil); d.Issuer != "x" {
		t.Errorf("without a key: %+v", d)
	}
}

// Only a computed issuer is compared with the key: Google's may be another
// account's.
func TestAnIssuerThatIsNotComputedMayDiffer(t *testing.T) {
	for given, want := range map[string]string{"": "a@p.iam", "b@p.iam": "b@p.iam", "a@p.iam": "a@p.iam"} {
		if d := fill(t, find(t, "google-self-signed"), provider.Parties{Issuer: given, Audiences: []string{"https://pubsub.googleapis.com/"}}, accountKey(t)); d.Issuer != want || d.Subject != want {
			t.Errorf("%q: %+v", given, d)
		}
	}
}

func TestFindReportsAnUnknownProfile(t *testing.T) {
	for _, name := range []string{"", "Okta", "nobody"} {
		if p, ok := provider.Find(name); ok || p != nil {
			t.Errorf("%q: %+v", name, p)
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

func TestAProfileOfRSAKeysRefusesOthers(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.FromSigner(k, keys.SignerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = find(t, "snowflake").ChooseAlgorithm(key, "")
	wantFault(t, err, provider.ErrAlgorithm, "alg")
}
