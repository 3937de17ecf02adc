package conductor

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"
)

// What x/net says, with the same words, is what everybody else does.
func TestNoProxyIsReadAsEverybodyReadsIt(t *testing.T) {
	lists := []string{
		"", "*", " * ", ",", "acme.com", ".acme.com", "*.acme.com", "acme.com:80", "acme.com:443", "acme.com:8080", "ACME.com ", "x.acme.com",
		"cme.com", "other,acme.com", "other, *", "acme", "10.0.0.1", "10.0.0.0/8", "10.1.2.3/8", "10.0.0.1:80", "[fd00::1]", "[fd00::1]:80", "fd00::1", "fd00::/8",
		"::ffff:10.0.0.1", ":80", "acme.com:", "1.1.1.1/0", "localhost", "127.0.0.0/8", "*acme.com", "com", ".", "*.", "acme.com.",
	}
	for _, base := range []string{
		"http://acme.com", "https://acme.com", "http://acme.com:8080", "http://x.acme.com", "http://Y.X.Acme.Com/api", "http://xacme.com", "http://acme.com.",
		"http://10.0.0.1", "http://10.0.0.1:8080", "http://11.0.0.1", "http://[fd00::1]", "http://[fe80::1]", "http://[::ffff:10.0.0.1]",
		"http://localhost", "http://localhost:8080", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]", "http://0x7f.1", "http://acme",
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range lists {
			proxy, err := (&httpproxy.Config{HTTPProxy: "http://p:1", HTTPSProxy: "http://p:1", NoProxy: list}).ProxyFunc()(u)
			if err != nil {
				t.Fatal(err)
			}
			if got := goesPast(list, u); got != (proxy == nil) {
				t.Errorf("NO_PROXY=%q, %s: goes past the proxy: %t", list, base, got)
			}
		}
	}
	if u := (&url.URL{Scheme: "http", Host: "bücher.example"}); !goesPast(strings.ToUpper("bücher.example"), u) {
		t.Error("a name outside of ASCII is not compared as it is")
	}
}
