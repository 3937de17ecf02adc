package doctor_test

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"conductor-jwt/doctor"
	"conductor-jwt/internal/outbound"
)

// outboundClient returns a client that trusts only the certificates of a pool.
func outboundClient(t *testing.T, roots *x509.CertPool) *outbound.Client {
	t.Helper()
	client, err := outbound.New(outbound.Options{Getenv: func(string) string { return "" }, UserAgent: "test", Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestIssuersAreDiscovered(t *testing.T) {
	const set = `{"keys":[{"kid":"a"},{"kid":"b"},{}]}`
	pages := map[string]string{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch body, ok := pages[r.URL.Path]; {
		case !ok:
			http.NotFound(w, r)
		case strings.HasPrefix(body, "/"):
			http.Redirect(w, r, body, http.StatusFound)
		default:
			_, _ = io.WriteString(w, body)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of a client that does not trust it
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	issuer := doctor.Issuer{URL: server.URL + "/cloud", JWKSURI: server.URL + "/cloud/jwks.json", Set: []byte(set)}
	const document, jwks = "/cloud/.well-known/openid-configuration", "/cloud/jwks.json"
	good := `{"issuer":"` + issuer.URL + `","jwks_uri":"` + issuer.JWKSURI + `"}`
	for _, row := range []struct {
		document, set string
		want          string
	}{
		{good, set, "/cloud is discovered, and its set has every published key"},
		{good, `{"keys":[{"kid":"b"},{"kid":"a"}]}`, "/cloud is discovered, and its set has every published key"},
		{"", set, "openid-configuration cannot be read (status 404)"},
		{jwks, set, "openid-configuration cannot be read (status 302)"},
		{"<html>secret", set, "openid-configuration cannot be read (the answer is not JSON)"},
		{`{"issuer":"` + issuer.URL + `/","jwks_uri":"` + issuer.JWKSURI + `"}`, set, "names another issuer or jwks_uri"},
		{`{"issuer":"` + issuer.URL + `","jwks_uri":"` + issuer.JWKSURI + `2"}`, set, "names another issuer or jwks_uri"},
		{good, "", "jwks.json cannot be read (status 404)"},
		{good, `{"keys":[{"kid":"a"}]}`, "jwks.json lacks the key b"},
	} {
		clear(pages)
		for path, body := range map[string]string{document: row.document, jwks: row.set} {
			if body != "" {
				pages[path] = body
			}
		}
		found := doctor.Issuers(t.Context(), outboundClient(t, roots), []doctor.Issuer{issuer})
		if len(found) != 1 || !strings.Contains(found[0].Found, row.want) || (found[0].Level == doctor.OK) != strings.Contains(row.want, "discovered") {
			t.Errorf("%+v, want %s", found, row.want)
		}
		if (found[0].Remedy == "") != (found[0].Level == doctor.OK) || strings.Contains(found[0].Found, "secret") {
			t.Errorf("%+v", found)
		}
	}
	found := doctor.Issuers(t.Context(), outboundClient(t, x509.NewCertPool()), []doctor.Issuer{issuer})
	if len(found) != 1 || found[0].Level != doctor.Warn || !strings.Contains(found[0].Found, "certificate") {
		t.Errorf("a certificate that is not trusted: %+v", found)
	}
}
