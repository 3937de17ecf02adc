package verifier_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/secret"
	"conductor-jwt/verifier"
)

// served is an issuer on the loopback interface.
type served struct {
	*httptest.Server
	key      jose.JSONWebKey
	requests atomic.Int64
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{key: newKey(t, "a")}
	i := newIssuer(t)
	i.keys = []jose.JSONWebKey{s.key}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		switch r.URL.Path {
		case "/" + strings.TrimPrefix(openID, "/"):
			_, _ = w.Write([]byte(metadata(s.URL, s.URL+"/keys")))
		case "/keys":
			_, _ = w.Write([]byte(i.set()))
		default:
			http.Redirect(w, r, s.URL+"/keys", http.StatusFound)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// internet returns a client that trusts the certificates of servers.
func internet(t *testing.T, servers ...*served) *outbound.Client {
	t.Helper()
	roots := x509.NewCertPool()
	for _, s := range servers {
		roots.AddCert(s.Certificate())
	}
	client, err := outbound.New(outbound.Options{Getenv: func(string) string { return "" }, UserAgent: "test", Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func verifierOf(issuer, jwks string) string {
	return `verifiers: {ci: {issuer: "` + issuer + `", audiences: [api], algorithms: [ES256], jwks: "` + jwks + `"}}`
}

func TestAPrivateAddressNeedsAListing(t *testing.T) {
	s := serve(t)
	listed := "\nexchange: {endpoints: [\"" + s.URL + "/**\"]}"
	token := strings.Replace(`{"iss":"ISSUER","aud":"api","exp":4000000000}`, "ISSUER", s.URL, 1)
	for name, row := range map[string]struct {
		text  string
		found string // empty: it verifies
	}{
		"an issuer that is not listed":                  {verifierOf(s.URL, "discover"), "a loopback, private or metadata address"},
		"a set that is not listed":                      {verifierOf(s.URL, s.URL+"/keys"), "a loopback, private or metadata address"},
		"a listed issuer":                               {verifierOf(s.URL, "discover") + listed, ""},
		"a listed set":                                  {verifierOf(s.URL, s.URL+"/keys") + listed, ""},
		"a listed set that answers with a redirect":     {verifierOf(s.URL, s.URL+"/moved") + listed, "answered with status 302"},
		"a listed issuer whose set is not listed":       {verifierOf(s.URL, "discover") + "\nexchange: {endpoints: [\"" + s.URL + "/.well-known/**\"]}", "a loopback, private or metadata address"},
		"metadata of clouds, not listed":                {verifierOf("i", "https://169.254.169.254/keys"), "a loopback, private or metadata address"},
		"an address in an unusual form, listed in vain": {verifierOf("i", "https://2130706433/keys") + listed, "an unusual form"},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.requests.Load()
			r := newRig(t, internet(t, s), row.text)
			err := r.verify(signClaims(t, s.key, token))
			if row.found != "" {
				wantUnavailable(t, err, row.found)
			} else if err != nil {
				t.Error(err)
			}
			if strings.Contains(row.found, "private") && !strings.Contains(name, "whose set") && s.requests.Load() != before {
				t.Error("a request arrived")
			}
		})
	}
}

// A listing is taken away by a reload, although the set that was fetched stays.
func TestAListingThatIsTakenAwayEndsTheFetches(t *testing.T) {
	s := serve(t)
	listing := "\nexchange: {endpoints: [\"" + s.URL + "/**\"]}"
	r := newRig(t, internet(t, s), verifierOf(s.URL, "discover"))
	now := time.Now()
	r.options.Now = func() time.Time { return now }
	r.Verifiers = nil
	r.reload(verifierOf(s.URL, "discover") + listing)
	token := signClaims(t, s.key, `{"iss":"`+s.URL+`","aud":"api","exp":4000000000}`)
	if err := r.verify(token); err != nil {
		t.Fatal(err)
	}
	r.reload(verifierOf(s.URL, "discover"))
	if err := r.verify(token); err != nil {
		t.Errorf("the set that was fetched before: %v", err)
	}
	now = now.Add(24 * time.Hour)
	wantUnavailable(t, r.verify(token), "a loopback, private or metadata address")
}

// A listener that must see nothing is named by the header of a token.
func TestNoConnectionIsMadeToAnAddressOfAToken(t *testing.T) {
	s, trap := serve(t), serve(t)
	r := newRig(t, internet(t, s, trap), verifierOf(s.URL, "discover")+"\nexchange: {endpoints: [\""+s.URL+"/**\", \""+trap.URL+"/**\"]}")
	for _, header := range []string{"jku", "x5u", "url"} {
		wantInvalid(t, r.verify(signClaims(t, trap.key, `{"iss":"`+s.URL+`","aud":"api","exp":4000000000}`, header, trap.URL+"/keys")), nil)
		wantInvalid(t, r.verify(signClaims(t, trap.key, `{"iss":"`+trap.URL+`","aud":"api","exp":4000000000}`, header, trap.URL+"/keys", "kid", "b")), nil)
	}
	if n := trap.requests.Load(); n != 0 {
		t.Errorf("%d requests to the address of a token", n)
	}
	_, err := r.Verify(t.Context(), verifier.Request{Verifier: "ci", Token: secret.New(signClaims(t, s.key, `{"iss":"`+s.URL+`","aud":"api","exp":4000000000}`, "jku", trap.URL))})
	if err != nil {
		t.Error(err)
	}
}
