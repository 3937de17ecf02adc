package cli_test

import (
	"fmt"
	"net/http"

	"github.com/rogpeppe/go-internal/testscript"
)

// issuer serves the metadata of https://HOST, and the JWK Set in a file: issuer HOST
// FILE.
func (p *providers) issuer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: issuer HOST FILE")
	}
	set := ts.ReadFile(args[1])
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"issuer":"https://%[1]s","jwks_uri":"https://%[1]s/keys"}`, args[0])
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, set) })
	p.proxy.Lead(args[0], mux)
	ts.Setenv("HTTPS_PROXY", p.proxy.URL)
	ts.Setenv("SSL_CERT_FILE", p.proxy.CAFile)
}
