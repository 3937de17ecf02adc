package cli_test

import (
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"conductor-jwt/provider"
	"conductor-jwt/test/connectproxy"
	"conductor-jwt/test/tokenendpoint"
)

// providers are the token endpoints of all scripts, behind a proxy that leads their
// hosts to them.
type providers struct {
	proxy *connectproxy.Proxy

	mu        sync.Mutex
	endpoints map[string]*tokenendpoint.Endpoint // by host
}

// start starts the provider of a profile at a host, where no other script may have
// one. It trusts the public key in a file: provider PROFILE HOST FILE.
func (p *providers) start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: provider PROFILE HOST FILE")
	}
	profile, ok := provider.Find(args[0])
	if !ok {
		ts.Fatalf("there is no profile %s", args[0])
	}
	block, _ := pem.Decode([]byte(ts.ReadFile(args[2])))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	ts.Check(err)
	endpoint := tokenendpoint.New(profile, key, time.Now)
	p.proxy.Lead(args[1], endpoint)
	p.mu.Lock()
	p.endpoints[args[1]] = endpoint
	p.mu.Unlock()
	ts.Setenv("HTTPS_PROXY", p.proxy.URL)
	ts.Setenv("SSL_CERT_FILE", p.proxy.CAFile)
}

// posted checks how many assertions a host has received: posted HOST N.
func (p *providers) posted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: posted HOST N")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if seen, _ := p.endpoints[args[0]].Counts(); strconv.Itoa(seen) != args[1] {
		ts.Fatalf("%s has received %d assertions, want %s", args[0], seen, args[1])
	}
}
