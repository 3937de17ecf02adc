package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"conductor-jwt/internal/outbound"
	"conductor-jwt/verifier"
)

const (
	openID = "/.well-known/openid-configuration"
	oauth  = "/.well-known/oauth-authorization-server"
)

func metadata(issuer, jwksURI string) string {
	return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"response_types_supported":["id_token"]}`, issuer, jwksURI)
}

func TestAnIssuersSetIsDiscovered(t *testing.T) {
	for name, row := range map[string]struct {
		issuer  string
		answers map[string]string // bodies of status 200
		asked   []string
	}{
		"by OpenID": {
			"https://issuer.example",
			map[string]string{"https://issuer.example" + openID: metadata("https://issuer.example", "https://keys.example/set")},
			[]string{"https://issuer.example" + openID, "https://keys.example/set"},
		},
		"by OpenID below a path": {
			"https://issuer.example/tenant/a/",
			map[string]string{"https://issuer.example/tenant/a" + openID: metadata("https://issuer.example/tenant/a/", "https://keys.example/set")},
			[]string{"https://issuer.example/tenant/a" + openID, "https://keys.example/set"},
		},
		"by OAuth below a path": {
			"https://issuer.example:8443/tenant/a",
			map[string]string{"https://issuer.example:8443" + oauth + "/tenant/a": metadata("https://issuer.example:8443/tenant/a", "https://keys.example/set")},
			[]string{"https://issuer.example:8443/tenant/a" + openID, "https://issuer.example:8443" + oauth + "/tenant/a", "https://keys.example/set"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			for address, body := range row.answers {
				i.answer(address, 200, body)
			}
			i.answer("https://keys.example/set", 200, i.set())
			set, err := verifier.Discover(t.Context(), i, row.issuer, func(address string) bool { return address == "https://keys.example/set" })
			if err != nil || set.Len() != 1 {
				t.Errorf("%d keys, %v", set.Len(), err)
			}
			if !slices.Equal(i.requests(), row.asked) {
				t.Errorf("asked %q, want %q", i.requests(), row.asked)
			}
			if !slices.Equal(i.private, []string{"https://keys.example/set"}) {
				t.Errorf("may be private: %q", i.private)
			}
		})
	}
}

func TestABadIssuerGivesNoSet(t *testing.T) {
	const doc, keys = issuerURL + openID, issuerURL + "/keys"
	many := `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{},`, 10_000), ",") + `]}`
	for name, row := range map[string]struct {
		address string
		status  int
		body    string
		want    string
	}{
		"another issuer":                {doc, 200, metadata("https://evil.example", keys), "the metadata at the issuer's address name another issuer"},
		"an issuer with a slash more":   {doc, 200, metadata(issuerURL+"/", keys), "name another issuer"},
		"no issuer":                     {doc, 200, `{"jwks_uri":"` + keys + `"}`, "name another issuer"},
		"an issuer of another type":     {doc, 200, `{"issuer":["` + issuerURL + `"],"jwks_uri":"` + keys + `"}`, "name another issuer"},
		"the issuer twice":              {doc, 200, `{"issuer":"x","issuer":"` + issuerURL + `","jwks_uri":"` + keys + `"}`, "not a JSON object"},
		"a set without TLS":             {doc, 200, metadata(issuerURL, "http://issuer.example/keys"), "no JWK Set with an HTTPS address"},
		"a set in a file":               {doc, 200, metadata(issuerURL, "file:///etc/passwd"), "no JWK Set with an HTTPS address"},
		"no set":                        {doc, 200, `{"issuer":"` + issuerURL + `"}`, "no JWK Set with an HTTPS address"},
		"a page":                        {doc, 200, "<html>", "not a JSON object"},
		"a redirect":                    {doc, 302, "", "answered with status 302"},
		"an error":                      {doc, 500, "", "answered with status 500"},
		"no document":                   {doc, 404, "", "answered with status 404"},
		"too many requests":             {doc, 429, "", "answered with status 429"},
		"a redirect of the set":         {keys, 301, "", "JWK Set cannot be fetched: it answered with status 301"},
		"a set that is none":            {keys, 200, "{}", "JWK Set cannot be used"},
		"a set of 10,000 keys":          {keys, 200, many, "a JWKS of 10000 keys"},
		"a set with a member twice":     {keys, 200, `{"keys":[],"keys":[]}`, "JWK Set cannot be used"},
		"a set that is nested too deep": {keys, 200, `{"keys":` + strings.Repeat("[", 100_000), "JWK Set cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			r := newRig(t, i, policyText)
			i.answer(row.address, row.status, row.body)
			wantUnavailable(t, r.verify(sign(t, i.keys[0])), row.want)
			if !strings.Contains(r.log.String(), row.want) {
				t.Errorf("the log says\n%s", r.log.String())
			}
		})
	}
}

// A redirect is not followed, and no address of a token is asked.
func TestATokenHasNoSayInTheAddress(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, i, policyText)
	evil := newKey(t, "a")
	evil.Algorithm = "ES256"
	public := evil.Public()
	for name, value := range map[string]any{
		"jku": "https://evil.example/keys", "x5u": "https://evil.example/certificate", "jwk": public, "x5c": []string{"MIIB"}, "url": "https://evil.example",
	} {
		wantInvalid(t, r.verify(sign(t, evil, name, value)), nil)
		if err := r.verify(sign(t, i.keys[0], name, value)); err != nil {
			t.Errorf("%s of a good token: %v", name, err)
		}
	}
	for claim, value := range map[string]string{"iss": "https://evil.example", "jku": "https://evil.example"} {
		wantInvalid(t, r.verify(signClaims(t, evil, fmt.Sprintf(`{%q:%q}`, claim, value))), nil)
	}
	for _, address := range i.requests() {
		if !strings.HasPrefix(address, issuerURL+"/") {
			t.Errorf("asked %s", address)
		}
	}
}

// The algorithm is the operator's: a token with another one causes no request.
func TestAnAlgorithmThatIsNotAcceptedCausesNoFetch(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, i, policyText)
	for _, token := range []string{
		"", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "eyJhbGciOiJlczI1NiJ9.e30.AAAA",
		strings.Repeat("a", 1<<17),
	} {
		wantInvalid(t, r.verify(token), nil)
	}
	if n := len(i.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestErrorsOfAFetchAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, cause := range []error{outbound.ErrAddress, outbound.ErrTooLarge, outbound.ErrUnreachable, context.DeadlineExceeded} {
			i := newIssuer(t)
			i.fail(cause)
			if _, err := verifier.Discover(t.Context(), i, issuerURL, func(string) bool { return false }); !errors.Is(err, cause) || !errors.Is(err, verifier.ErrUnavailable) {
				t.Errorf("%v is hidden in %v", cause, err)
			}
		}
	})
}
