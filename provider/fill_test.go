package provider_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"sync"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"conductor-jwt/internal/fault"
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

func jwk(tb testing.TB, members map[string]string) keys.Key {
	tb.Helper()
	raw, err := json.Marshal(members)
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

func wantFault(t *testing.T, err error, reason error, name string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || !errors.Is(err, reason) || f.Field != name {
		t.Errorf("%v, want %s of %s", err, reason, name)
	}
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
